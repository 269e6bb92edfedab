# ruff: noqa: RUF001, E501 (letters of other scripts are meant; some are counted as two columns)
"""What stands where a message stood that its writer, or a moderator, took back: nobody's words.

Chats and helpdesks keep such a message with its author, so that it would be read as what they said.
"""

import re
from typing import Final

LONGEST: Final = 90
"""Characters; what somebody wrote about a deleted message is longer, or says more than the whole of a placeholder."""

_DELETED: Final = re.compile(
    r"[\[(<*_\s]{0,4}(?:"
    r"deleted|removed|redacted|(?:message|comment|post) (?:deleted|removed|redacted|unsent)(?: by (?:the )?\w+)?"
    r"|deleted (?:message|comment|user)|(?:this|the) (?:message|comment|post) (?:was|has been) (?:deleted|removed"
    r"|redacted|unsent|retracted)(?: by \w[\w ]{0,30})?|you (?:deleted|unsent) (?:this|a) message|\w+ unsent a message"
    r"|diese (?:nachricht|mitteilung) wurde (?:gelöscht|entfernt)|du hast diese nachricht gelöscht|nachricht gelöscht"
    r"|ce message a été (?:supprimé|retiré)|vous avez supprimé ce message|message supprimé"
    r"|(?:se eliminó|se ha eliminado) este mensaje|este mensaje (?:fue|ha sido) eliminado|eliminaste este mensaje"
    r"|mensaje eliminado|questo messaggio è stato (?:eliminato|rimosso)|hai eliminato questo messaggio"
    r"|dit bericht is verwijderd|u hebt dit bericht verwijderd|je hebt dit bericht verwijderd"
    r"|(?:essa |esta )?mensagem (?:foi )?(?:apagada|excluída|removida)|você apagou esta mensagem"
    r"|(?:この)?メッセージ(?:は|が)(?:削除|送信取消)されました|此消息已(?:被)?(?:删除|撤回)|该消息已(?:被)?(?:删除|撤回)"
    r"|.{0,30}(?:が)?メッセージの送信を取り消しました|.{0,30}(?:撤回了|收回了?|已收回)(?:一条|一則)?(?:消息|訊息)"
    r"|삭제된 메[시세]지입니다\.?|.{0,30}메[시세]지를 (?:삭제|취소)했습니다\.?|הודעה זו נמחקה|מחקת הודעה זו"
    r"|(?:данное |это )?сообщение (?:было )?удалено|вы удалили (?:данное |это )?сообщение|(?:це )?повідомлення (?:було )?видалено"
    r"|ви видалили це повідомлення|(?:usunięto tę|ta) wiadomość(?: została usunięta)?|bu mesaj silindi|bu mesajı sildiniz"
    r"|tato zpráva byla (?:smazána|odstraněna)|detta meddelande (?:har raderats|togs bort)|(?:تم حذف هذه الرسالة|لقد حذفت هذه الرسالة)"
    r"|pesan ini (?:telah )?dihapus|tin nhắn này đã bị xóa"
    r")[\s.!)\]>*_]{0,5}",
    re.IGNORECASE,
)


def is_deleted(text: str) -> bool:
    """Return whether a text is nothing but the notice that a message is gone."""
    return len(text) <= LONGEST and _DELETED.fullmatch(text.strip()) is not None

"""Which names mean the same by their spelling alone, which must not, and which are each other's contrary."""

import pytest

from pipeline.merge.rules.antonyms import FREE_NUMBERS, OPPOSITES, antonym_names, are_opposite
from pipeline.merge.rules.normalise import normal_form

TWINS = [
    ("multi_network_scheduling_failure", "multinetwork_scheduling_failure"),
    ("multi_network_scheduling_failure", "multi-network scheduling failures"),
    ("multi_network_scheduling_failure", "MultiNetworkSchedulingFailure"),
    ("multi_network_scheduling_failure", "Multi Network Scheduling Failure"),
    ("calendar_sync_fails", "calendar_sync_fail"),
    ("calendar_sync_fails", "CalendarSyncFails"),
    ("calendar_sync_fails", "calendar-sync-fails"),
    ("calendar_sync_fails", "  Calendar  sync fails! "),
    ("calendar_sync_fails", "calendar.sync.fails"),
    ("calendar_sync_fails", "calendar/sync/fails"),
    ("invoice_entries_missing", "invoice_entry_missing"),
    ("duplicate_bookings", "duplicate_booking"),
    ("branch_offices_closed", "branches_office_closed"),
    ("password_reset_crashes", "password_reset_crash"),
    ("two_factor_codes_late", "twofactor_code_late"),
    ("e_mail_bounces", "email_bounce"),
    ("e-mail bounces", "E_Mail_Bounce"),
    ("web_hook_timeouts", "webhook_timeout"),
    ("sign_in_loops", "signin_loop"),
    ("log_out_button", "logout_buttons"),
    ("café_menu_wrong", "cafe_menu_wrong"),
    ("überweisung_verspätet", "uberweisung_verspatet"),
    ("straße_unbekannt", "strasse_unbekannt"),
    ("error_404_page", "error404_page"),
    ("error_404_page", "Error404Pages"),
    ("http2_timeouts", "HTTP2_timeout"),
    ("top_up_failed", "topup_failed"),
    ("check_boxes_lost", "checkbox_lost"),
    ("on_line_payment", "online_payments"),
    ("time_zones_ignored", "timezone_ignored"),
    ("status_page_down", "StatusPageDown"),
    ("gift_cards_refused", "giftcard_refused"),
]

APART = [  # other names: only what they mean may bring them together
    ("calendar_sync_fails", "calender_sync_fails"),  # a slip of the pen is a matter of meaning, not of the rule
    ("calendar_sync_fails", "sync_calendar_fails"),
    ("calendar_sync_fails", "calendar_sync_slow"),
    ("invoice_missing", "invoice_wrong"),
    ("card_lost", "card_stolen"),
    ("card_arrival", "card_delivery"),
    ("refund_late", "transfer_late"),
    ("address_change", "dress_change"),
    ("status_wrong", "state_wrong"),
    ("sms_missing", "mms_missing"),
    ("newsletter_late", "new_letter_late"),
    ("password_reset_fails", "password_reset_mail_fails"),
    ("export_to_pdf_fails", "export_to_csv_fails"),
    ("app_crash", "map_crash"),
    ("payment_failed", "payment_fails_twice"),
    ("analysis_wrong", "analyst_wrong"),
]

CONTRARIES = [
    ("light_on", "light_off"),
    ("wifi_turns_on_alone", "wifi_turns_off_alone"),
    ("service_up", "service_down"),
    ("enable_sync", "disable_sync"),
    ("sync_enabled", "sync_disabled"),
    ("add_user", "remove_user"),
    ("user_added_able", "user_added_unable"),
    ("login_fails", "logout_fails"),
    ("import_stops", "export_stops"),
    ("file_upload_slow", "file_download_slow"),
    ("account_locked", "account_unlocked"),
    ("incoming_transfer_late", "outgoing_transfer_late"),
    ("credit_card_lost", "debit_card_lost"),
    ("volume_high", "volume_low"),
    ("invoice_paid", "invoice_unpaid"),
    ("card_not_accepted", "card_accepted"),
    ("can_not_log_in", "can_log_in"),
    ("delivery_never_late", "delivery_late"),
    ("card_accepted", "card_declined"),
    ("error_404", "error_500"),
    ("error404_page", "error_500_page"),
    ("version_2_crashes", "version_3_crash"),
    ("charged_2_times", "charged_3_times"),
    ("plan_10_seats", "plan_100_seats"),
    ("install_fails", "uninstall_fails"),
    ("before_payment_date", "after_payment_date"),
    ("monthly_invoice", "yearly_invoices"),
    ("subscribe_button", "unsubscribe_buttons"),
]

NO_CONTRARIES = [
    ("light_on", "light_on"),
    ("light_on", "lamp_off"),  # more differs than the contrary
    ("light_on", "light"),
    ("light_not_on", "light_off"),  # two contraries cancel out
    ("login_not_working", "login_broken"),
    ("error_404", "error"),
    ("error_404", "error_0404"),
    ("calendar_sync_fails", "calendar_sync_slow"),
    ("invoice_missing", "invoices_missing"),
    ("top_up_failed", "top_up_fails_twice"),
    ("sync_up", "sync_up_again"),
    ("card_lost", "card_stolen"),
]


@pytest.mark.parametrize(("one", "other"), TWINS)
def test_spelling_twins_are_one_name(one: str, other: str) -> None:
    assert normal_form(one) == normal_form(other)
    assert not are_opposite(one, other)


@pytest.mark.parametrize(("one", "other"), [*APART, *CONTRARIES])
def test_other_names_are_not_made_one_by_their_spelling(one: str, other: str) -> None:
    assert normal_form(one) != normal_form(other)


@pytest.mark.parametrize(("one", "other"), CONTRARIES)
def test_names_that_differ_in_a_contrary_are_opposites(one: str, other: str) -> None:
    assert are_opposite(one, other)
    assert are_opposite(other, one)


@pytest.mark.parametrize(("one", "other"), [*NO_CONTRARIES, *APART])
def test_names_that_differ_in_more_or_less_are_no_opposites(one: str, other: str) -> None:
    assert not are_opposite(one, other)
    assert not are_opposite(other, one)


def test_it_finds_the_opposites_among_many_names() -> None:
    names = {normal_form(name): name for pair in [*TWINS, *APART, *CONTRARIES] for name in pair}
    found = antonym_names(names)
    for one, other in CONTRARIES:
        assert normal_form(other) in found[normal_form(one)]
        assert normal_form(one) in found[normal_form(other)]
    assert all(are_opposite(names[one], names[other]) for one, others in found.items() for other in others)


@pytest.mark.parametrize("count", [FREE_NUMBERS, FREE_NUMBERS + 1])
def test_numbers_that_vary_freely_tell_nothing(count: int) -> None:
    found = antonym_names({f"order{number}late": f"order_{number}_late" for number in range(count)})
    assert bool(found) is (count == FREE_NUMBERS)


def test_no_word_is_the_opposite_of_itself() -> None:
    assert {len(pair) for pair in OPPOSITES} == {2}
    assert all(normal_form(one) == one.replace("_", "") for pair in OPPOSITES for one in pair)

# ruff: noqa: E501 (names that the format prescribes)
"""Workbooks for tests: XLSX, XLSB and ODS, written by their specifications and nothing else, and XLS, by xlwt."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from struct import pack
from xml.sax.saxutils import escape

import xlwt

_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>{sheets}</Types>'
)  # fmt: skip
_SHEET_TYPE = (
    '<Override PartName="/xl/worksheets/sheet{n}.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELS = (
    '<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    "{rels}</Relationships>"
)
_STYLES = (
    f'<?xml version="1.0" encoding="UTF-8"?><styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22" applyNumberFormat="1"/></cellXfs></styleSheet>'
)  # fmt: skip


def workbook(sheets: Mapping[str, Sequence[Sequence[object]]], *, hidden: Sequence[str] = ()) -> bytes:
    """Return an XLSX file with those rows in each sheet; datetimes become typed cells."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        numbers = range(1, len(sheets) + 1)
        archive.writestr("[Content_Types].xml", _TYPES.format(sheets="".join(_SHEET_TYPE.format(n=n) for n in numbers)))
        archive.writestr("_rels/.rels", _rels([("officeDocument", "xl/workbook.xml")]))
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            _rels([*(("worksheet", f"worksheets/sheet{n}.xml") for n in numbers), ("styles", "styles.xml")]),
        )
        entries = "".join(
            f'<sheet name="{escape(name)}" sheetId="{n}" r:id="r{n}"{" state=" + chr(34) + "hidden" + chr(34) if name in hidden else ""}/>'
            for n, name in zip(numbers, sheets, strict=True)
        )
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{entries}</sheets></workbook>'
        )
        archive.writestr("xl/styles.xml", _STYLES)
        for n, rows in zip(numbers, sheets.values(), strict=True):
            archive.writestr(f"xl/worksheets/sheet{n}.xml", _sheet(rows))
    return file.getvalue()


def write_workbook(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    """Write a workbook of one sheet and return where."""
    path.write_bytes(workbook({"Sheet1": rows}))
    return path


def _rels(targets: Sequence[tuple[str, str]]) -> str:
    return _RELS.format(
        rels="".join(
            f'<Relationship Id="r{n}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
            for n, (kind, target) in enumerate(targets, start=1)
        )
    )


def _sheet(rows: Sequence[Sequence[object]]) -> str:
    body = "".join(
        f'<row r="{n}">{"".join(_cell(f"{_letters(place)}{n}", cell) for place, cell in enumerate(row))}</row>'
        for n, row in enumerate(rows, start=1)
    )
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData></worksheet>'


def _letters(place: int) -> str:
    return (chr(64 + place // 26) if place >= 26 else "") + chr(65 + place % 26)


def _cell(where: str, value: object) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, datetime | date):
        moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
        days = (moment.replace(tzinfo=UTC) - datetime(1899, 12, 30, tzinfo=UTC)).total_seconds() / 86_400
        return f'<c r="{where}" s="1"><v>{days!r}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{where}"><v>{value!r}</v></c>'
    return f'<c r="{where}" t="inlineStr"><is><t xml:space="preserve">{escape(_stored(str(value)))}</t></is></c>'


def _stored(text: str) -> str:
    """Return a text as the format escapes what XML cannot hold or would change: `_x000D_` for a carriage return."""
    text = text.replace("_x", "_x005F_x")
    return "".join(
        f"_x{ord(sign):04X}_" if sign == "\r" or (ord(sign) < 32 and sign not in "\t\n") else sign for sign in text
    )


# --- OpenDocument -------------------------------------------------------------------------------------------------

_ODS = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content office:version="1.3" '
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>{tables}'
    "</office:spreadsheet></office:body></office:document-content>"
)
_ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
_ODS_MANIFEST = (
    '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest manifest:version="1.3" '
    'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="/" '
    f'manifest:media-type="{_ODS_TYPE}"/><manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
    "</manifest:manifest>"
)


def open_document(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """Return an ODS file with those rows in each sheet; datetimes become typed cells."""
    tables = "".join(
        f'<table:table table:name="{escape(name)}">'
        + "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows)
        + "</table:table>"
        for name, rows in sheets.items()
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", _ODS_TYPE)
        archive.writestr("META-INF/manifest.xml", _ODS_MANIFEST)
        archive.writestr("content.xml", _ODS.format(tables=tables), zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _ods_cell(value: object) -> str:
    if value is None or value == "":
        return "<table:table-cell/>"
    if isinstance(value, datetime | date):
        moment = f"{value:%Y-%m-%dT%H:%M:%S}"
        return f'<table:table-cell office:value-type="date" office:date-value="{moment}"/>'
    if isinstance(value, int | float):
        return f'<table:table-cell office:value-type="float" office:value="{value!r}"/>'
    lines = "".join(f"<text:p>{escape(line)}</text:p>" for line in str(value).split("\n"))
    return f'<table:table-cell office:value-type="string">{lines}</table:table-cell>'


# --- Excel before 2007 --------------------------------------------------------------------------------------------


def old_workbook(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """Return an XLS file with those rows in each sheet; datetimes become typed cells."""
    book = xlwt.Workbook(encoding="utf-8")
    moment = xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM:SS")
    for name, rows in sheets.items():
        sheet = book.add_sheet(name)
        for line, row in enumerate(rows):
            for place, cell in enumerate(row):
                if isinstance(cell, datetime):
                    sheet.write(line, place, cell.replace(tzinfo=None), moment)
                elif cell not in (None, ""):
                    sheet.write(line, place, cell)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


# --- Excel's binary workbook --------------------------------------------------------------------------------------

_XLSB_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/></Types>'
)


def binary_workbook(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    """Return an XLSB file with those rows in each sheet; datetimes become typed cells.

    The numbers are those of the records in [MS-XLSB]: each has its type and its length in front.
    """
    file = io.BytesIO()
    numbers = range(1, len(sheets) + 1)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _XLSB_TYPES)
        archive.writestr("_rels/.rels", _rels([("officeDocument", "xl/workbook.bin")]))
        targets = [*(("worksheet", f"worksheets/sheet{n}.bin") for n in numbers), ("styles", "styles.bin")]
        archive.writestr("xl/_rels/workbook.bin.rels", _rels(targets))
        entries = b"".join(
            _record(156, pack("<II", 0, n) + _wide(f"r{n}") + _wide(name))  # BrtBundleSh
            for n, name in zip(numbers, sheets, strict=True)
        )
        archive.writestr("xl/workbook.bin", _record(131) + _record(143) + entries + _record(144) + _record(132))
        formats = b"".join(_record(47, pack("<HHHHHBBHH", 0, number, 0, 0, 0, 0, 0, 0, 0)) for number in (0, 22))
        archive.writestr(
            "xl/styles.bin", _record(278) + _record(617, pack("<I", 2)) + formats + _record(618) + _record(279)
        )
        for n, rows in zip(numbers, sheets.values(), strict=True):
            archive.writestr(f"xl/worksheets/sheet{n}.bin", _binary_sheet(rows))
    return file.getvalue()


def _binary_sheet(rows: Sequence[Sequence[object]]) -> bytes:
    width = max(map(len, rows), default=1)
    body = b"".join(
        _record(0, pack("<IIHBBBI", line, 0, 300, 0, 0, 0, 0)) + b"".join(map(_binary_cell, range(len(row)), row))
        for line, row in enumerate(rows)
    )
    size = _record(148, pack("<IIII", 0, max(len(rows) - 1, 0), 0, width - 1))  # BrtWsDim
    return _record(129) + size + _record(145) + body + _record(146) + _record(130)


def _binary_cell(place: int, value: object) -> bytes:
    if value is None or value == "":
        return b""
    if isinstance(value, datetime):
        days = (value.replace(tzinfo=UTC) - datetime(1899, 12, 30, tzinfo=UTC)).total_seconds() / 86_400
        return _record(5, pack("<IId", place, 1, days))  # BrtCellReal, in the second format
    if isinstance(value, int | float):
        return _record(5, pack("<IId", place, 0, value))
    return _record(6, pack("<II", place, 0) + _wide(str(value)))  # BrtCellSt


def _record(kind: int, content: bytes = b"") -> bytes:
    return _seven_bits(kind) + _seven_bits(len(content)) + content


def _seven_bits(number: int) -> bytes:
    """Return a number with seven bits to a byte, the lowest first; all but the last byte have the eighth set."""
    if number < 128:
        return bytes([number])
    return bytes([number & 127 | 128]) + _seven_bits(number >> 7)


def _wide(text: str) -> bytes:
    return pack("<I", len(text.encode("utf-16-le")) // 2) + text.encode("utf-16-le")

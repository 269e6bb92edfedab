"""From bytes to lines, elements and parts: however a file is packed and encoded, within bounds."""

"""Small pieces of HTML and SVG, made from plain data: what results show of themselves."""

# SPDX-License-Identifier: GPL-2.0-or-later
"""The style of the HTML report: light and dark, on a phone, on a screen and on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1c2126; --soft: #5a6470; --line: #d5dae0; --panel: #f4f6f8;
  --accent: 0 114 178;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d; --ink: #e6eaee; --soft: #a3adb8; --line: #39424c; --panel: #1d232a;
    --accent: 86 180 233;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 68rem;
  background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem; border-bottom: 1px solid var(--line); }
p { max-width: 46rem; }
.soft, figcaption, dt { color: var(--soft); font-size: .9rem; }
.cards { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); }
.card { background: var(--panel); border-radius: .4rem; padding: .7rem .9rem; }
.card .name { color: var(--soft); font-size: .9rem; }
.card .big { font-size: 1.7rem; font-variant-numeric: tabular-nums; display: block; }
.maps { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); }
figure { margin: 0; }
figure img {
  width: 100%; height: auto; display: block; image-rendering: pixelated;
  border: 1px solid var(--line);
}
.legend {
  list-style: none; margin: .8rem 0; padding: 0;
  display: flex; flex-wrap: wrap; gap: .2rem 1.1rem;
}
.legend span {
  display: inline-block; width: .9rem; height: .9rem; margin-right: .4rem;
  border: 1px solid var(--line); vertical-align: -.1rem;
}
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.scroll + .soft { margin: .4rem 0 1rem; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--line); }
th { font-weight: 600; vertical-align: bottom; overflow-wrap: normal; }
td { white-space: nowrap; vertical-align: top; }
tbody th { text-align: left; vertical-align: top; font-weight: 400; min-width: 7rem; }
td .range { display: block; color: var(--soft); font-size: .78rem; }
td.share { background: rgb(var(--accent) / calc(var(--share) * .55)); }
dl { display: grid; grid-template-columns: minmax(6rem, max-content) 1fr; gap: .2rem 1rem; }
dd { margin: 0; }
svg { max-width: 24rem; width: 100%; height: auto; }
svg text { fill: currentColor; font-size: 12px; }
@media print { body { max-width: none; font-size: 10pt; } h2 { break-after: avoid; } }
"""

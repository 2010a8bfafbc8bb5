/** The look of a report, light and dark. */
export const STYLE = `
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1f2328; --faint: #59636e; --line: #d8dee4; --tile: #f6f8fa; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #0d1117; --ink: #e6edf3; --faint: #9198a1; --line: #30363d; --tile: #161b22; }
}
* { box-sizing: border-box; }
html { scrollbar-color: var(--faint) var(--ground); }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 0 0 .75rem; font-size: 1.25rem; }
section { margin-top: 2.5rem; }
p { margin: 0 0 .6rem; max-width: 46rem; }
.lead, .note, small, figcaption { color: var(--faint); }
.lead { margin: .3rem 0 1.5rem; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(7.25rem, 1fr)); gap: .75rem; margin: 0; }
.tiles div { padding: .8rem 1rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--tile); }
.tiles dt { color: var(--faint); font-size: .85rem; }
.tiles dd { margin: 0; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.chart { max-width: 100%; height: auto; display: block; }
.broad { max-width: none; }
.stack { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.5rem; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1.5rem; }
figure { margin: 0; }
figcaption { margin-top: .4rem; font-size: .85rem; line-height: 1.35; overflow-wrap: anywhere; }
figcaption b { color: var(--ink); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem 1.1rem .4rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; font-weight: normal; }
thead th { color: var(--faint); font-size: .85rem; }
tbody th { white-space: nowrap; }
td { overflow-wrap: anywhere; }
.figures td, .figures thead th:not(:first-child) { padding-left: 1rem; padding-right: 0; text-align: right; white-space: nowrap; overflow-wrap: normal; }
pre { margin: 0; padding: 1rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--tile); font-size: .85rem; line-height: 1.4; overflow-x: auto; }
.mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.5rem, 1fr)); gap: 1.25rem 1rem; }
.mistakes img, .gone { display: block; width: 100%; max-width: 7rem; aspect-ratio: 1; object-fit: cover; border-radius: .4rem; background: var(--tile); }
.gone { display: grid; place-items: center; color: var(--faint); font-size: .8rem; }
@media (max-width: 34rem) {
  main { padding: 1.25rem 1rem 3rem; }
  .figures { width: 100%; font-size: .8rem; }
  .figures thead th { font-size: .75rem; }
  .figures th { padding-right: 0; }
  .figures tbody th { white-space: normal; overflow-wrap: anywhere; min-width: 3.5rem; }
  .figures td, .figures thead th:not(:first-child) { padding-left: .45rem; }
}
@media print { section { break-inside: avoid; } }
`;

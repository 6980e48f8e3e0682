/** The page's style sheet: light and dark by the reader's setting, one column on a phone and two on a desktop. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --page: #f3f4f9; --card: #fff; --line: #e3e5ef; --text: #171a2b; --soft: #585e78;
  --accent: #4a4fdb; --accent-2: #7c3fd6; --pale: #eef0ff; --up: #d9772b;
  --good: #0c7350; --good-bg: #dcf5ea; --bad: #b3261e; --bad-bg: #fdeae8; --warn: #b35c00;
  --shadow: 0 1px 2px #171a2b0d, 0 8px 28px #171a2b0f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e1018; --card: #171a26; --line: #282c3d; --text: #eceef8; --soft: #a3a9c2;
    --accent: #8d93ff; --accent-2: #b48bff; --pale: #222642; --up: #ef9a55;
    --good: #5fd9a8; --good-bg: #10352a; --bad: #ff9c94; --bad-bg: #401c1b; --warn: #f2b25c;
    --shadow: none;
  }
}
* { box-sizing: border-box; margin: 0; }
html { -webkit-text-size-adjust: 100%; }
body {
  background: var(--page); color: var(--text); padding: 28px 16px 40px;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
header, main, footer { max-width: 1040px; margin: 0 auto; }
header { display: flex; align-items: center; gap: 14px; margin-bottom: 22px; }
header > svg { flex: none; width: 46px; height: 46px; }
header > div { flex: 1; min-width: 0; }
.brand { color: var(--soft); font-size: 14px; }
h1 { font-size: 24px; line-height: 1.25; letter-spacing: -.01em; overflow-wrap: anywhere; }
h1 { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; }
h2 { font-size: 17px; margin-bottom: 14px; }
.pill {
  display: flex; align-items: center; gap: 8px; flex: none; padding: 7px 14px; border-radius: 99px;
  font-size: 14px; font-weight: 600; color: var(--good); background: var(--good-bg);
}
.pill::before { content: ""; width: 8px; height: 8px; border-radius: 50%; background: currentColor; }
.pill.bad { color: var(--bad); background: var(--bad-bg); }
main { display: grid; gap: 18px; }
.card {
  background: var(--card); border: 1px solid var(--line); border-radius: 20px; padding: 22px;
  box-shadow: var(--shadow); min-width: 0;
}
.notice { border-radius: 16px; padding: 14px 18px; background: var(--bad-bg); color: var(--bad); font-weight: 600; }
.notice.calm { background: var(--pale); color: var(--text); font-weight: 400; }
.figures { display: grid; gap: 22px; }
.figures h2 { color: var(--soft); font-size: 14px; font-weight: 500; margin-bottom: 2px; }
.big { font-size: 30px; line-height: 1.25; font-weight: 700; letter-spacing: -.02em; }
.big small { font-size: 16px; font-weight: 500; color: var(--soft); letter-spacing: 0; }
.soft { color: var(--soft); font-size: 14px; }
progress {
  appearance: none; display: block; width: 100%; height: 10px; margin: 12px 0 8px; border: 0; border-radius: 99px;
  background: var(--line); overflow: hidden; color: var(--accent);
}
progress.warn { color: var(--warn); }
progress.full { color: var(--bad); }
progress::-webkit-progress-bar { background: var(--line); }
progress::-webkit-progress-value { background: currentColor; border-radius: 99px; }
progress::-moz-progress-bar { background: currentColor; border-radius: 99px; }
.head { display: flex; justify-content: space-between; align-items: baseline; gap: 12px; }
.chart { display: grid; grid-template-columns: auto 1fr; column-gap: 10px; }
.scale, .days { display: flex; justify-content: space-between; color: var(--soft); font-size: 12px; line-height: 1; }
.scale { flex-direction: column; text-align: right; height: 170px; white-space: nowrap; }
.days { grid-column: 2; margin-top: 8px; }
.bars { display: block; width: 100%; height: 158px; margin: 6px 0; overflow: visible; }
.grid { stroke: var(--line); vector-effect: non-scaling-stroke; fill: none; }
.hover { fill: transparent; }
g:hover .hover { fill: var(--pale); }
rect.download { fill: var(--accent); }
rect.upload { fill: var(--up); }
.legend { display: flex; flex-wrap: wrap; gap: 6px 20px; margin-top: 14px; font-size: 14px; color: var(--soft); }
.legend span::before {
  content: ""; display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 8px;
  background: var(--accent);
}
.legend .upload::before { background: var(--up); }
.legend b { color: var(--text); font-weight: 600; }
.empty { color: var(--soft); padding: 26px 0; text-align: center; }
.connect h2 { margin-bottom: 2px; }
.apps { list-style: none; padding: 0; margin-top: 16px; display: grid; gap: 10px; }
.apps a {
  display: flex; align-items: center; gap: 14px; padding: 11px 14px; border: 1px solid var(--line);
  border-radius: 14px; color: var(--text); text-decoration: none;
}
.apps a:hover { border-color: var(--accent); background: var(--pale); }
.apps span { flex: 1; min-width: 0; font-weight: 600; line-height: 1.35; }
.apps small { display: block; font-weight: 400; color: var(--soft); font-size: 13px; }
.apps a::after { content: "→"; content: "→" / ""; color: var(--accent); font-size: 18px; }
a:focus-visible, button:focus-visible, input:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
label { display: block; font-weight: 600; font-size: 17px; }
.copy { display: flex; gap: 10px; margin-top: 12px; }
input {
  flex: 1; min-width: 0; padding: 12px 14px; border: 1px solid var(--line); border-radius: 12px;
  background: var(--page); color: var(--text); font: 14px/1.4 ui-monospace, SFMono-Regular, Menlo, monospace;
  text-overflow: ellipsis;
}
button, .button {
  border: 0; border-radius: 12px; padding: 12px 18px; cursor: pointer; background: #4a4fdb; color: #fff;
  font-family: inherit; font-size: 15px; font-weight: 600; line-height: 1.3; text-decoration: none;
}
button:hover, .button:hover { background: #3b40c4; }
figure { display: grid; justify-items: center; gap: 12px; margin-top: 20px; }
figure svg { width: min(100%, 236px); border-radius: 16px; border: 1px solid var(--line); }
figcaption { color: var(--soft); font-size: 14px; text-align: center; }
footer { margin-top: 24px; display: flex; flex-wrap: wrap; justify-content: space-between; align-items: center; gap: 14px; }
footer p { color: var(--soft); font-size: 14px; }
@media (min-width: 860px) {
  body { padding-top: 48px; }
  header { margin-bottom: 28px; }
  h1 { font-size: 30px; }
  main { grid-template-columns: minmax(0, 1.25fr) minmax(0, 1fr); grid-template-rows: auto; }
  .link { grid-column: 2; grid-row: span 2; }
  .usage { grid-column: 1; }
  .connect { grid-column: 1 / -1; order: 1; }
  .wide { grid-column: 1 / -1; }
  .figures { grid-template-columns: 1.2fr 1fr; }
  .figures > div + div { border-left: 1px solid var(--line); padding-left: 22px; }
  .card { padding: 26px; }
  .apps { grid-template-columns: 1fr 1fr 1fr; }
  .link { display: flex; flex-direction: column; }
  figure { margin: auto 0 0; padding-top: 20px; }
  figure svg { width: min(100%, 260px); }
}
@media (max-width: 480px) {
  header { flex-wrap: wrap; }
  header > div { flex-basis: calc(100% - 60px); }
}
`;

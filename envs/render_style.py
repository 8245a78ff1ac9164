"""How the HTML page of an episode looks: light or dark as the reader's system is, on a screen or a phone."""

STYLE = """\
body:has(> main.tool-gym) { margin: 0; background: #fff; }
.tool-gym {
  --paper: #fff; --ink: #1c2128; --mute: #59636e; --line: #d8dee4; --soft: #f6f8fa; --user: #e7f0fd;
  --good: #116329; --good-bg: #dafbe1; --bad: #a40e26; --bad-bg: #ffebe9; --odd: #7d4e00; --odd-bg: #fff8c5;
  color-scheme: light dark; box-sizing: border-box; max-width: 50rem; margin: 0 auto; padding: 1.25rem 1rem 3rem;
  background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif;
  overflow-wrap: anywhere;
}
@media (prefers-color-scheme: dark) {
  body:has(> main.tool-gym) { background: #0f1318; }
  .tool-gym {
    --paper: #0f1318; --ink: #e6edf3; --mute: #9aa5b1; --line: #30363d; --soft: #181d24; --user: #16273d;
    --good: #56d364; --good-bg: #12301c; --bad: #ff8f86; --bad-bg: #3c1618; --odd: #e3b341; --odd-bg: #33270b;
  }
}
.tool-gym :is(h1, h2, p, ul, dl, dd, pre) { margin: 0; }
.tool-gym h1 { font-size: 1.4rem; line-height: 1.25; }
.tool-gym h2 { display: flex; gap: .5rem; align-items: center; font-size: 1rem; }
.tool-gym small { font-size: .85em; font-weight: normal; }
.tool-gym :is(code, pre) { font: .875rem/1.5 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; }
.tool-gym .mute, .tool-gym h1 small { color: var(--mute); }
.tool-gym .total {
  float: right; margin-left: 1rem; font-size: 1.75rem; font-weight: 600; line-height: 1.1; text-align: right;
}
.tool-gym .total small { display: block; font-size: .8rem; color: var(--mute); }
.tool-gym section, .tool-gym footer { margin-top: 1rem; padding: .75rem 1rem; border-radius: .5rem; clear: both; }
.tool-gym .user { background: var(--user); }
.tool-gym .step { border: 1px solid var(--line); }
.tool-gym footer { background: var(--soft); }
.tool-gym .text { white-space: pre-wrap; }
.tool-gym .label { margin-top: .6rem; color: var(--mute); font-size: .8125rem; }
.tool-gym .label .badge { vertical-align: middle; }
.tool-gym .label + :is(pre, details) { margin-top: .25rem; }
.tool-gym .call { padding-left: .75rem; text-indent: -.75rem; }
.tool-gym .effect { margin-top: .25rem; font-size: .875rem; }
.tool-gym .effect::before { content: "changed "; color: var(--mute); }
.tool-gym .badge {
  display: inline-block; padding: 0 .45rem; border-radius: 1rem; background: var(--soft); color: var(--mute);
  font-size: .8125rem; font-weight: 600; line-height: 1.5;
}
.tool-gym .badge.good { background: var(--good-bg); color: var(--good); }
.tool-gym .badge.bad { background: var(--bad-bg); color: var(--bad); }
.tool-gym .badge.odd { background: var(--odd-bg); color: var(--odd); }
.tool-gym pre { padding: .5rem .75rem; border-radius: .375rem; background: var(--soft); white-space: pre-wrap; }
.tool-gym details { margin-top: .6rem; }
.tool-gym :is(.text, pre, details, .effect) + .label { margin-top: .9rem; }
.tool-gym details + .text { margin-top: .6rem; }
.tool-gym details pre { max-height: 24rem; overflow: auto; margin-top: .25rem; }
.tool-gym summary { cursor: pointer; font-size: .9375rem; }
.tool-gym :is(summary, pre):focus-visible { outline: 2px solid var(--ink); outline-offset: 2px; border-radius: .25rem; }
.tool-gym dt { margin-top: .5rem; }
.tool-gym dd { color: var(--mute); font-size: .9375rem; }
.tool-gym .parts {
  display: flex; flex-wrap: wrap; gap: .125rem 1rem; margin-top: .75rem; padding: .5rem 0 0;
  border-top: 1px solid var(--line); list-style: none; color: var(--mute); font-size: .8125rem;
}
.tool-gym .parts s { text-decoration: none; }
.tool-gym .parts b { color: var(--ink); }
.tool-gym table { margin-top: .5rem; border-collapse: collapse; font-size: .875rem; }
.tool-gym th { padding: 0 1.5rem 0 0; color: var(--mute); font-weight: normal; text-align: left; }
.tool-gym td { text-align: right; font-variant-numeric: tabular-nums; }
@media print { .tool-gym { max-width: none; } }
"""
"""A style sheet whose rules all begin at `.tool-gym`, but for the margin of a page that holds nothing else."""

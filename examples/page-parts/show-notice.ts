import { byId } from './elements.js';

/** Shows a problem in `#notice`, a live region; null removes it. */
export function showNotice(text: string | null): void {
  const notice = byId('notice');
  notice.hidden = text === null;
  notice.textContent = text ?? '';
  // It may be shown while the user is at the end of a long page.
  if (text !== null) notice.scrollIntoView({ block: 'nearest' });
}

/** Why the page cannot work in this browser, or null when it can. */
export function missingFromBrowser(): string | null {
  if (typeof WebAssembly === 'undefined') {
    return (
      'This page needs WebAssembly, which this browser does not run. All current browsers run it, unless a strict security ' +
      'mode switches it off (Lockdown Mode on iPhones, enhanced security in Edge). Allow it for this page, or use another browser.'
    );
  }
  if (typeof OffscreenCanvas === 'undefined') {
    return 'This browser is too old for this page. It needs Firefox 105, Chrome 69 or Safari 16.4, or newer.';
  }
  return null;
}

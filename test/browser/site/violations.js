/** What a Content-Security-Policy keeps this place (a tab or a worker) from; imported first, so that it misses nothing. */
export const violations = [];

addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
  violations.push(`${violatedDirective} ${blockedURI}`);
});

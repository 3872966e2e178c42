// keepFocus leads the keyboard on where what it was at has gone, such as the row
// of a session that has ended: to the heading of the section it was in, for a
// browser would begin at the top of the page.
export function keepFocus(): void {
  let last: Element | undefined
  let inDialog = false
  let around: Element | null = null

  document.addEventListener('focusin', ({ target }) => {
    inDialog = target instanceof Element && target.closest('[role="dialog"]') !== null
    if (inDialog || !(target instanceof Element)) return
    last = target
    around = target.closest('section')
  })
  // Who clicks beside everything has left it.
  document.addEventListener('focusout', ({ target, relatedTarget }) => {
    if (relatedTarget !== null || inDialog) return
    setTimeout(() => {
      if (target === last && last?.isConnected && document.activeElement === document.body) last = undefined
    })
  })
  new MutationObserver(() => {
    if (!last || document.activeElement !== document.body) return
    // A dialog gives the focus back by itself, but not to a button that is off.
    if (last.isConnected && !(inDialog && last.matches(':disabled'))) return
    const heading = around?.isConnected && around.getAttribute('aria-labelledby')
    last = undefined
    if (heading) document.getElementById(heading)?.focus({ preventScroll: true })
  }).observe(document.body, { childList: true, subtree: true })
}

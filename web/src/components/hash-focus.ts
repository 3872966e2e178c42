import { useEffect } from 'react'
import { useLocation } from 'react-router'

const waitFor = 10_000

// useHashFocus leads to the part of the page that the address names, also where it comes
// with a list that is still loading, until the person goes elsewhere.
export function useHashFocus(): void {
  const { hash, key } = useLocation()
  // biome-ignore lint/correctness/useExhaustiveDependencies: another time for each click that leads here
  useEffect(() => {
    const id = hash.slice(1)
    if (!id) return
    const go = () => {
      const part = document.getElementById(id)
      if (!part) return
      stop()
      part.scrollIntoView({ block: 'center' })
      part.focus({ preventScroll: true })
    }
    const watch = new MutationObserver(go)
    // After the frame of the page has taken the focus.
    const begin = setTimeout(() => {
      watch.observe(document.body, { childList: true, subtree: true })
      go()
    })
    const late = setTimeout(() => stop(), waitFor)
    const stop = () => {
      watch.disconnect()
      clearTimeout(begin)
      clearTimeout(late)
      for (const event of ['pointerdown', 'keydown', 'wheel']) removeEventListener(event, stop)
    }
    for (const event of ['pointerdown', 'keydown', 'wheel']) addEventListener(event, stop)
    return () => stop()
  }, [hash, key])
}

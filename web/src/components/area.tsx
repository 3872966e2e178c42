import type { Icon } from '@tabler/icons-react'
import { type ReactNode, useEffect, useRef } from 'react'
import { NavLink, useLocation } from 'react-router'
import { useT } from '../i18n/language'

export interface AreaPage {
  to: string
  label: string
  icon: Icon
  /** How many there are. */
  count?: number | undefined
}

interface Props {
  label: string
  pages: AreaPage[]
  /** Above every page of the area: what they are about. */
  head?: ReactNode
  children: ReactNode
}

// Area is the frame of pages that belong together: their list at the side, or on a
// phone as tabs that scroll in a strip of their own.
export function Area({ label, pages, head, children }: Props) {
  const t = useT()
  const strip = useRef<HTMLElement>(null)
  const { pathname } = useLocation()
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever another page is open
  useEffect(() => {
    const [list, open] = [strip.current, strip.current?.querySelector<HTMLElement>('[aria-current="page"]')]
    if (list && open) list.scrollLeft = open.offsetLeft - (list.clientWidth - open.clientWidth) / 2
  }, [pathname])
  return (
    <div className="area">
      <nav className="area-nav" aria-label={label} ref={strip}>
        {pages.map(({ to, label: name, icon: Picture, count }) => (
          <NavLink key={to} to={to} className="area-link">
            <Picture size={18} stroke={1.7} aria-hidden />
            <span>{name}</span>
            {count !== undefined && (
              <span className="area-count" aria-hidden>
                {t('common.number', { count })}
              </span>
            )}
          </NavLink>
        ))}
      </nav>
      <div className="area-page">
        {head}
        {children}
      </div>
    </div>
  )
}

import { Paper, Text } from '@mantine/core'
import { Link } from 'react-router'
import { useT } from '../i18n/language'

interface Figure {
  label: string
  count: number
  note?: string
  /** The list that it counts. */
  to?: string
}

// Figures are a few numbers side by side, each with a link to what it counts.
export function Figures({ label, figures }: { label: string; figures: Figure[] }) {
  const t = useT()
  return (
    <Paper withBorder component="dl" className="figures" aria-label={label}>
      {figures.map(({ label: name, count, note, to }) => (
        <div key={name}>
          <dt>{to ? <Link to={to}>{name}</Link> : name}</dt>
          <dd>
            <span className="figure">{t('common.number', { count })}</span>
            {note && (
              <Text size="xs" className="muted" component="span" display="block">
                {note}
              </Text>
            )}
          </dd>
        </div>
      ))}
    </Paper>
  )
}

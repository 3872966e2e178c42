import { useElementSize } from '@mantine/hooks'
import { Bar, BarChart, CartesianGrid, Legend, Tooltip, XAxis, YAxis } from 'recharts'
import { useT } from '../i18n/language'

export interface Day {
  /** YYYY-MM-DD, in UTC. */
  day: string
  counts: Record<string, number>
}

interface Props {
  days: Day[]
  /** What is counted, from the bottom to the top of a bar. */
  series: { key: string; label: string }[]
  height: number
}

const colors = ['var(--mantine-primary-color-filled)', '#5c7cfa', '#f59f00', '#3bc9db', '#ae3ec9', '#868e96']

// Days is a bar for each day. A table of the same numbers is there for those who
// cannot see it.
export default function Days({ days, series, height }: Props) {
  const t = useT()
  const { ref, width } = useElementSize()
  const short = new Intl.DateTimeFormat(t.locale, { day: 'numeric', month: 'short', timeZone: 'UTC' })
  const shown = (day: string) => short.format(new Date(day))
  const rows = days.map(({ day, counts }) => ({ day, ...counts }))
  return (
    <div ref={ref} style={{ height, overflow: 'hidden', position: 'relative' }}>
      <div aria-hidden>
        {width > 0 && (
          <BarChart width={width} height={height} data={rows} margin={{ top: 4, right: 0, bottom: 0, left: -20 }} accessibilityLayer={false}>
            <CartesianGrid vertical={false} stroke="var(--mantine-color-default-border)" />
            <XAxis dataKey="day" tickFormatter={shown} tickLine={false} axisLine={false} fontSize={12} minTickGap={40} stroke="var(--muted)" />
            <YAxis allowDecimals={false} tickLine={false} axisLine={false} fontSize={12} stroke="var(--muted)" />
            <Tooltip
              labelFormatter={(day) => shown(String(day))}
              cursor={{ fill: 'var(--mantine-color-default-hover)' }}
              contentStyle={{ background: 'var(--mantine-color-body)', border: '1px solid var(--mantine-color-default-border)', borderRadius: 8 }}
            />
            {series.length > 1 && <Legend iconType="square" iconSize={10} />}
            {series.map(({ key, label }, i) => (
              <Bar key={key} dataKey={key} name={label} stackId="all" fill={colors[i % colors.length]!} isAnimationActive={false} />
            ))}
          </BarChart>
        )}
      </div>
      <div className="unseen">
        <table>
          <tbody>
            {days.map(({ day, counts }) => (
              <tr key={day}>
                <th scope="row">{shown(day)}</th>
                {series.map(({ key, label }) => (
                  <td key={key}>{`${label}: ${t('common.number', { count: counts[key] ?? 0 })}`}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}

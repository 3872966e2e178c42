import { Badge } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import { wordsForError } from '../../../auth/words'
import { Section } from '../../../components/section'
import { Name, Waiting, WordsAlert } from '../../../components/show'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { checked, resultWords } from '../health-words'
import '../../../i18n/en/later/operator'

export function Health() {
  const t = useT()
  const health = useQuery({ queryKey: keys.admin('health'), queryFn: () => data(api.GET('/readyz')), refetchInterval: 10_000, retry: false })
  return (
    <Section title={t('operator.health')} hint={t('operator.healthHint')}>
      {health.isPending && <Waiting />}
      {health.error && <WordsAlert words={{ title: t('operator.unhealthy'), text: wordsForError(t, health.error)?.text ?? '' }} />}
      {health.data && !health.error && (
        <>
          <WordsAlert kind="done" words={{ title: t('operator.healthy'), text: '' }} />
          <Table
            label={t('operator.health')}
            rows={Object.entries(health.data.checks)}
            rowKey={([name]) => name}
            columns={[
              { label: t('operator.check'), cell: ([name]) => <Name>{checked(t, name)}</Name> },
              {
                label: t('operator.result'),
                cell: ([, result]) => (
                  <Badge variant="light" color={result === 'ok' ? 'teal' : 'red'} tt="none" maw="100%" h="auto" style={{ whiteSpace: 'normal' }}>
                    {resultWords(t, result)}
                  </Badge>
                ),
              },
            ]}
          />
        </>
      )}
    </Section>
  )
}

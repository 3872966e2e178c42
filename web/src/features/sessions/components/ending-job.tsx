import { Alert, Progress, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import type { Job } from '../../../api/types'
import { useT } from '../../../i18n/language'
import '../../../i18n/en/later/sessions'

const everyMs = 1000

interface Props {
  job: Job
  fetchJob: (id: string) => Promise<Job>
  onFinished: () => unknown
}

// EndingJob shows how far the ending of many sessions is and, at the end, how many
// ended.
export function EndingJob({ job, fetchJob, onFinished }: Props) {
  const t = useT()
  const { data: now = job } = useQuery({
    queryKey: ['job', job.id],
    queryFn: () => fetchJob(job.id),
    refetchInterval: ({ state }) => (state.data?.status === 'finished' ? false : everyMs),
  })
  const finished = now.status === 'finished'
  const announced = useRef(false)
  useEffect(() => {
    if (finished && !announced.current) {
      announced.current = true
      onFinished()
    }
  }, [finished, onFinished])
  if (finished) return <Alert role="status" color="teal" variant="light" title={t('sessions.ended', { count: now.ended })} />
  const percent = now.total ? Math.min(100, Math.floor((100 * now.ended) / now.total)) : 0
  return (
    <Alert role="status" color="teal" variant="light" title={t('sessions.ending')}>
      <Stack gap={6}>
        <Text size="sm">{t(now.access_ended ? 'sessions.endingAll' : 'sessions.endingSome')}</Text>
        <Progress value={percent} animated aria-label={t('sessions.ending')} />
        <Text size="xs" className="muted">
          {now.total === null ? t('sessions.endingCounts') : t('sessions.endingOf', { ended: now.ended, total: now.total })}
        </Text>
      </Stack>
    </Alert>
  )
}

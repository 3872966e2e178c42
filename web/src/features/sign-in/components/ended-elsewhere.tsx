import { Alert } from '@mantine/core'
import { useEnding } from '../../../api/queries'
import { Time } from '../../../components/show'
import { useT } from '../../../i18n/language'

// Endings that a person brought about in this browser need no words.
const quiet = new Set(['signed_out', 'replaced', 'deletion_requested'])
const said = {
  ended_by_user: 'signIn.ended_by_user',
  ended_by_operator: 'signIn.ended_by_operator',
  suspended: 'signIn.ended_suspended',
  identity_unlinked: 'signIn.ended_unlinked',
  merge_undone: 'signIn.ended_merge',
  merged: 'signIn.ended_merge',
  refresh_reused: 'signIn.ended_reuse',
} as const
const shownForMs = 7 * 86_400_000

// EndedElsewhere says when the session of this browser ended, and by whom.
export function EndedElsewhere() {
  const t = useT()
  const ending = useEnding()
  if (!ending || quiet.has(ending.reason) || Date.now() - Date.parse(ending.at) > shownForMs) return null
  const why = Object.hasOwn(said, ending.reason) ? said[ending.reason as keyof typeof said] : 'signIn.ended_other'
  return (
    <Alert color="orange" variant="light" role="status" title={t('signIn.endedTitle')}>
      {t.rich(why, { time: <Time key="time" at={ending.at} /> })}
    </Alert>
  )
}

import { Anchor, Stack } from '@mantine/core'
import { useEffect } from 'react'
import { Link, useLocation } from 'react-router'
import { useT } from '../i18n/language'
import { WordsAlert } from './show'

// Done travels with a change of page: what it was for, said where it ends. The
// account of this browser may be another one then, or none.
export interface Done {
  done: 'merged' | 'undone' | 'replaced'
  /** When it was done: what ends a session later on is something else. */
  at: number
}

// doneNow is shown on the account page or the page it redirects to.
export const doneNow = (done: Done['done']) => ({ replace: true, state: { done, at: Date.now() } satisfies Done })

export function DoneNotice() {
  const t = useT()
  const { state } = useLocation() as { state: Partial<Done> | null }
  // Said once: not after a reload, nor on the way back in the history.
  useEffect(() => {
    history.replaceState({ ...(history.state as object | null), usr: null }, '')
  }, [])
  if (!state?.done) return null
  if (state.done === 'replaced') return <WordsAlert words={t.words['another_person']!} />
  return (
    <Stack gap="xs">
      <WordsAlert kind="done" words={{ title: t(`done.${state.done}Title`), text: t(`done.${state.done}Text`) }} />
      {state.done === 'merged' && (
        <Anchor component={Link} to="/account/history" size="sm">
          {t('done.undo')}
        </Anchor>
      )}
    </Stack>
  )
}

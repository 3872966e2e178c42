import { Anchor, Button, Group, Paper, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useChange } from '../../../api/change'
import { api, data } from '../../../api/client'
import { mergeTicket } from '../../../api/problem'
import type { ProofResult, Purpose } from '../../../api/types'
import { forTicket } from '../../../auth/link-ticket'
import { keptMail } from '../../../auth/pending'
import { Fault, Name, WordsAlert } from '../../../components/show'
import { isDev } from '../../../dev'
import { useT } from '../../../i18n/language'
import { codeIn, mayWorkLater, wordsForMail } from '../email'

interface Props {
  purpose: Purpose
  /** The token of a mailed link this page was opened with. */
  token?: string | undefined
  /** The link is of no use, so that the other ways are wanted again. */
  onDeadLink?: () => void
  /** An address to begin with. */
  suggestion?: string | undefined
  returnTo: string
  onDone: (result: ProofResult) => void | Promise<void>
  /** Takes the merge that a refused link can be redeemed for; then nothing is shown here. */
  onTicket?: (ticket: string) => void
}

// EmailSignIn asks for a mail, then takes its code. Opened with a link's token it
// asks for one click first: mail scanners open links, and must use up nothing.
export function EmailSignIn({ purpose, token, onDeadLink, suggestion = '', returnTo, onDone, onTicket }: Props) {
  const t = useT()
  const [kept] = useState(() => keptMail.get(purpose))
  const [email, setEmail] = useState(kept ?? suggestion)
  const [code, setCode] = useState('')
  // Not the mutation's own state: asking again must not bring the form back.
  const [sent, setSent] = useState(kept && !token ? 1 : 0)
  const start = useChange({
    mutationFn: () => data(api.POST('/v1/auth/email/start', { body: { email: email.trim(), purpose, return_to: returnTo } })),
    onSuccess: ({ expires_at }) => {
      keptMail.set({ email: email.trim(), purpose, expires_at })
      setSent((times) => times + 1)
      setCode('')
      byCode.reset()
    },
  })
  const verify = async (proof: { token: string } | { code: string; email: string }) => {
    let result
    try {
      result = await data(api.POST('/v1/auth/email/verify', { body: { ...proof, delivery: 'cookie', ...(purpose === 'sign_in' && forTicket()) } }))
    } catch (error) {
      const ticket = mergeTicket(error)
      if (ticket && onTicket) return onTicket(ticket)
      throw error
    }
    keptMail.set(undefined)
    await onDone(result)
  }
  const byLink = useChange({ mutationFn: (token: string) => verify({ token }), onError: (error) => mayWorkLater(error) || onDeadLink?.() })
  const byCode = useChange({ mutationFn: () => verify({ code, email: email.trim() }) })

  if (token && (!byLink.isError || mayWorkLater(byLink.error))) {
    return (
      <Paper withBorder p="md">
        <Stack gap="sm" align="flex-start">
          <Text>{t('email.oneMoreClick')}</Text>
          <Fault error={byLink.error} />
          <Button size="md" loading={byLink.isPending} onClick={() => byLink.mutate(token)}>
            {t('email.finish')}
          </Button>
        </Stack>
      </Paper>
    )
  }
  const linkWords = byLink.isError ? wordsForMail(t, 'link', byLink.error) : undefined
  const codeWords = byCode.isError ? wordsForMail(t, 'code', byCode.error) : undefined
  return (
    <Stack gap="sm">
      {linkWords && sent === 0 && <WordsAlert words={linkWords} />}
      {sent === 0 && (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            start.mutate()
          }}
        >
          <Stack gap="sm">
            <TextInput
              label={t('email.address')}
              type="email"
              autoComplete={purpose === 'sign_in' ? 'username webauthn' : 'email'}
              required
              withAsterisk={false}
              maxLength={320}
              size="md"
              value={email}
              onChange={(event) => setEmail(event.currentTarget.value)}
            />
            <Button type="submit" size="md" loading={start.isPending}>
              {t('email.send')}
            </Button>
          </Stack>
        </form>
      )}
      {sent > 0 && (
        <Text role="status">
          {t.rich('email.look', { address: <Name>{email.trim()}</Name> })} {sent > 1 && t('email.sentAgain')}
        </Text>
      )}
      <Fault error={start.error} />
      {/* A code works where its mail was asked for. */}
      {(sent > 0 || (linkWords && kept)) && (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            byCode.mutate()
          }}
        >
          <Stack gap="sm">
            <TextInput
              label={t('email.code')}
              inputMode="numeric"
              autoComplete="one-time-code"
              size="md"
              value={code}
              data-autofocus
              autoFocus={sent > 0}
              onChange={(event) => setCode(codeIn(event.currentTarget.value))}
            />
            {codeWords && <WordsAlert words={codeWords} />}
            <Group gap="sm">
              <Button type="submit" disabled={code.length !== 6 || !email.trim()} loading={byCode.isPending}>
                {t(`email.withCode_${purpose}`)}
              </Button>
              {sent > 0 && (
                <Button variant="default" loading={start.isPending} onClick={() => start.mutate()}>
                  {t('email.again')}
                </Button>
              )}
              {sent > 0 && (
                <Button
                  variant="subtle"
                  onClick={() => {
                    keptMail.set(undefined)
                    setSent(0)
                    start.reset()
                  }}
                >
                  {t('email.other')}
                </Button>
              )}
            </Group>
          </Stack>
        </form>
      )}
      {sent > 0 && isDev && (
        <Anchor href="/dev/mail" target="_blank">
          {t('email.mailbox')}
        </Anchor>
      )}
    </Stack>
  )
}

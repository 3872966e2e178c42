import { Anchor, Button, Group, Paper, Stack, Text, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { api, data } from '../api/client'
import { codeIn, wordsForLink, wordsForMailCode } from '../auth/email'
import { isDev } from '../dev'
import { Fault, Name, WordsAlert } from './show'

interface Props {
  /** The token of a mailed link this page was opened with. */
  token: string | undefined
  returnTo: string
  onDone: () => void | Promise<void>
}

// EmailDoor asks for a mail, then takes its code. Opened with a link's token it
// asks for one click first: mail scanners open links, and must use up nothing.
export function EmailDoor({ token, returnTo, onDone }: Props) {
  const [email, setEmail] = useState('')
  const [code, setCode] = useState('')
  // Not the mutation's own state: asking again must not bring the form back.
  const [sent, setSent] = useState(false)
  const start = useMutation({
    mutationFn: () => data(api.POST('/v1/auth/email/start', { body: { email: email.trim(), purpose: 'sign_in', return_to: returnTo } })),
    onSuccess: () => {
      setSent(true)
      setCode('')
      byCode.reset()
    },
  })
  const byLink = useMutation({
    mutationFn: async (token: string) => {
      await data(api.POST('/v1/auth/email/verify', { body: { token, delivery: 'cookie' } }))
      await onDone()
    },
  })
  const byCode = useMutation({
    mutationFn: async () => {
      await data(api.POST('/v1/auth/email/verify', { body: { code, email: email.trim(), delivery: 'cookie' } }))
      await onDone()
    },
  })

  if (token && !byLink.isError) {
    return (
      <Paper withBorder p="md">
        <Stack gap="sm" align="flex-start">
          <Text>One more click, and you are in.</Text>
          <Button size="md" loading={byLink.isPending} onClick={() => byLink.mutate(token)}>
            Sign in
          </Button>
        </Stack>
      </Paper>
    )
  }
  const linkWords = byLink.isError ? wordsForLink(byLink.error) : undefined
  const codeWords = byCode.isError ? wordsForMailCode(byCode.error) : undefined
  return (
    <Stack gap="sm">
      {linkWords && !sent && <WordsAlert words={linkWords} />}
      {!sent && (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            start.mutate()
          }}
        >
          <Stack gap="sm">
            <TextInput label="E-mail address" type="email" autoComplete="email" required maxLength={320} size="md" value={email} onChange={(event) => setEmail(event.currentTarget.value)} />
            <Button type="submit" size="md" variant="default" loading={start.isPending}>
              Send me a link and a code
            </Button>
          </Stack>
        </form>
      )}
      {sent && (
        <Text role="status">
          Look into the mailbox of <Name>{email.trim()}</Name>: open the link in this browser, or type the code.
        </Text>
      )}
      <Fault error={start.error} />
      {(sent || linkWords) && (
        <form
          onSubmit={(event) => {
            event.preventDefault()
            byCode.mutate()
          }}
        >
          <Stack gap="sm">
            <TextInput label="Six-digit code" inputMode="numeric" autoComplete="one-time-code" size="md" value={code} onChange={(event) => setCode(codeIn(event.currentTarget.value))} />
            {codeWords && <WordsAlert words={codeWords} />}
            <Group gap="sm">
              <Button type="submit" disabled={code.length !== 6 || !email.trim()} loading={byCode.isPending}>
                Sign in with the code
              </Button>
              {sent && (
                <Button variant="default" loading={start.isPending} onClick={() => start.mutate()}>
                  Send again
                </Button>
              )}
              {sent && (
                <Button variant="subtle" onClick={() => {
                    setSent(false)
                    start.reset()
                  }}>
                  Another address
                </Button>
              )}
            </Group>
          </Stack>
        </form>
      )}
      {sent && isDev && (
        <Anchor href="/dev/mail" target="_blank">
          Development mailbox
        </Anchor>
      )}
    </Stack>
  )
}

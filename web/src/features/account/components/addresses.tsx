import { Button, Group, Stack, Text, Title } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation } from 'react-router'
import { api, data } from '../../../api/client'
import { keys, knownIdentities, refreshPerson, type useIdentities, useProviders } from '../../../api/queries'
import type { Session } from '../../../api/types'
import { emailProvider, providerName } from '../../../auth/providers'
import { isFresh } from '../../../auth/step-up'
import { Address } from '../../../components/address'
import { ConfirmButton } from '../../../components/confirm'
import { Dialog } from '../../../components/dialog'
import { Section } from '../../../components/section'
import { Listing, Name, Time, WordsAlert } from '../../../components/show'
import { typedFor, useResumed, useStepUp } from '../../../components/step-up-context'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { EmailSignIn } from '../../sign-in/components/email-sign-in'
import { lastProved, unconfirmed } from '../methods'
import { PrimaryButton } from './edit-method'
import '../../../i18n/en/later/account'

const addIntent = 'add-address'

// ToConfirm travels with a change of page here: an address that is not verified yet.
export interface ToConfirm {
  confirm: string
}

interface Props {
  session: Session
  identities: ReturnType<typeof useIdentities>
  onTicket: (ticket: string) => void
}

// Addresses shows the verified addresses and adds one by mail.
export function Addresses({ session, identities, onTicket }: Props) {
  const t = useT()
  const client = useQueryClient()
  const stepUp = useStepUp()
  const providers = useProviders()
  const list = useQuery({ queryKey: keys.emails, queryFn: async () => (await data(api.GET('/v1/me/emails'))).data })
  const [adding, setAdding] = useState(useResumed(addIntent))
  const [added, setAdded] = useState<ReturnType<typeof lastProved>>()
  // Those there were before the last one was added.
  const [had, setHad] = useState<string[]>([])
  const { state } = useLocation() as { state: Partial<ToConfirm> | null }
  const [kept] = useState(() => typedFor(addIntent))
  const [chosen, setChosen] = useState<string>()
  const unverified = chosen ?? (state?.confirm || kept)
  const suggestion = list.data?.some((row) => row.address === unverified) ? '' : unverified
  const byMail = providers.data?.some((provider) => provider.kind === 'email')
  const open = unconfirmed(identities.rows ?? [], list.data ?? [])
  const refresh = () => refreshPerson(client)
  // A mail that cannot be used for want of a fresh session would be a waste.
  const add = async (address?: string) => {
    setAdded(undefined)
    setChosen(address)
    if (isFresh(session) || (await stepUp(addIntent, address ?? suggestion))) setAdding(true)
  }
  return (
    <Section
      title={t('addresses.title')}
      hint={t('addresses.hint')}
      action={
        byMail && (
          <Button variant="default" size="xs" onClick={() => void add()}>
            {t('addresses.add')}
          </Button>
        )
      }
    >
      {added && list.data?.some((row) => row.address === added.identity.email) && (
        <WordsAlert
          kind="done"
          words={
            !had.includes(added.identity.email ?? '')
              ? { title: t('addresses.addedTitle'), text: t('addresses.addedText') }
              : { title: t('addresses.hadTitle'), text: t('addresses.hadText') }
          }
        />
      )}
      <Listing list={{ ...list, rows: list.data }} empty={t('addresses.none')}>
        {(rows) => (
          <Table
            label={t('addresses.table')}
            rows={rows}
            rowKey={(row) => row.address}
            columns={[
              {
                label: t('addresses.address'),
                cell: (row) => <Address of={row} />,
              },
              { label: t('addresses.verified'), cell: (row) => <Time at={row.verified_at} /> },
              {
                label: t('addresses.actions'),
                action: true,
                cell: (row) => {
                  // The API makes an address primary by an identity that shows it.
                  const way = row.primary ? undefined : identities.rows?.find((identity) => identity.email === row.address)
                  const path = { params: { path: { address: row.address } } }
                  return (
                    <Group gap="xs" justify="flex-end">
                      {row.contested && (
                        <ConfirmButton
                          label={t('addresses.settle')}
                          title={t('addresses.settleTitle', { address: row.address })}
                          text={t('addresses.settleText')}
                          confirm={t('addresses.settle')}
                          action={async () => {
                            await data(api.POST('/v1/me/emails/{address}/settle', path))
                            await refresh()
                          }}
                        />
                      )}
                      {way && <PrimaryButton identity={way} name={row.address} onDone={refresh} />}
                      <ConfirmButton
                        label={t('addresses.remove')}
                        accessibleLabel={t('addresses.removeOf', { address: row.address })}
                        title={t('addresses.removeTitle')}
                        text={t('addresses.removeText', { address: row.address })}
                        confirm={t('addresses.remove')}
                        action={async () => {
                          await data(api.DELETE('/v1/me/emails/{address}', path))
                          await refresh()
                        }}
                      />
                    </Group>
                  )
                },
              },
            ]}
          />
        )}
      </Listing>
      {list.data && open.length > 0 && (
        <Stack gap="xs">
          <Title order={3} size="h5">
            {t('addresses.openTitle')}
          </Title>
          <Text size="sm" className="muted">
            {t('addresses.openHint')}
          </Text>
          <Stack component="ul" gap="sm" m={0} p={0} aria-label={t('addresses.openTitle')}>
            {open.map(({ address, provider }) => (
              <Group component="li" key={address} justify="space-between" gap="sm">
                <Stack gap={0} miw={0} flex="1 1 12rem">
                  <Name line>{address}</Name>
                  <Text size="xs" className="muted">
                    {t('addresses.openBy', { provider: providerName(t, provider) })}
                  </Text>
                </Stack>
                {byMail && (
                  <Button variant="default" size="xs" aria-label={t('addresses.confirmOf', { address })} onClick={() => void add(address)}>
                    {t('addresses.confirm')}
                  </Button>
                )}
              </Group>
            ))}
          </Stack>
        </Stack>
      )}
      <AddAddress
        opened={adding}
        suggestion={suggestion}
        onClose={() => setAdding(false)}
        onDone={async () => {
          setHad(list.data?.map((row) => row.address) ?? [])
          await refresh()
          setAdded(lastProved(knownIdentities(client), emailProvider))
        }}
        onTicket={onTicket}
      />
    </Section>
  )
}

interface AddAddressProps {
  opened: boolean
  /** An address to begin with. */
  suggestion?: string | undefined
  onClose: () => void
  onDone: () => Promise<void>
  onTicket: (ticket: string) => void
}

// AddAddress links an address by mail.
export function AddAddress({ opened, suggestion, onClose, onDone, onTicket }: AddAddressProps) {
  const t = useT()
  return (
    <Dialog opened={opened} onClose={onClose} title={t('addresses.add')}>
      <EmailSignIn
        purpose="link"
        suggestion={suggestion}
        returnTo={location.pathname}
        onDone={async () => {
          await onDone()
          onClose()
        }}
        onTicket={(ticket) => {
          onClose()
          onTicket(ticket)
        }}
      />
    </Dialog>
  )
}

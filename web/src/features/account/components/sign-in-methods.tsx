import { Anchor, Badge, Button, Group, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, data } from '../../../api/client'
import { keys, refreshPerson, type useIdentities, useProviders } from '../../../api/queries'
import type { Chain, Identity, Session } from '../../../api/types'
import { emailProvider, passkeyProvider, providerName, solanaProvider, walletProvider } from '../../../auth/providers'
import { isFresh, isRestricted } from '../../../auth/step-up'
import { ConfirmButton } from '../../../components/confirm'
import { CopyAddress } from '../../../components/copy-address'
import { Dialog } from '../../../components/dialog'
import { Section } from '../../../components/section'
import { Fault, Listing, Name, Time, WordsAlert } from '../../../components/show'
import { useStepUp } from '../../../components/step-up-context'
import { Table } from '../../../components/table'
import { useT } from '../../../i18n/language'
import { shortAddress } from '../../../wallet/types'
import { passkeysWork } from '../../sign-in/api/passkey'
import { Mark } from '../../sign-in/components/mark'
import { SolanaWallets } from '../../sign-in/components/solana-wallets'
import { Wallets } from '../../sign-in/components/wallets'
import { endsThisSession, identityName, leavesWith, otherChains, whyNotUnlink } from '../methods'
import { useLinking } from '../use-linking'
import { AddPasskey } from './add-passkey'
import { AddAddress } from './addresses'
import { LabelButton, PrimaryButton } from './edit-method'
import '../../../i18n/en/later/account'

function Account({ identity }: { identity: Identity }) {
  const t = useT()
  const { wallet } = identity
  if (identity.passkey) return <PasskeyAccount label={identity.label} passkey={identity.passkey} />
  const address = (wallet ?? identity.solana)?.address
  const shown = address ? wallet?.ens_name || shortAddress(address) : identity.email || identity.subject
  return (
    <Stack gap={2} align="flex-start">
      {identity.label && <Name line>{identity.label}</Name>}
      <Group gap={6} maw="100%">
        {address ? <code title={address}>{shown}</code> : <Name line>{shown}</Name>}
        {address && <CopyAddress address={address} />}
        {identity.solana && identity.solana.network !== 'mainnet' && (
          <Badge variant="light" color="gray">
            {identity.solana.network}
          </Badge>
        )}
        {wallet?.primary && (
          <Badge variant="light" color="gray">
            {t('methods.primary')}
          </Badge>
        )}
        {wallet?.kind === 'contract' && (
          <Badge variant="light" color="gray">
            {t('methods.contract')}
          </Badge>
        )}
      </Group>
    </Stack>
  )
}

function PasskeyAccount({ label, passkey }: { label: string; passkey: NonNullable<Identity['passkey']> }) {
  const t = useT()
  return (
    <Stack gap={2} align="flex-start">
      {label && <Name line>{label}</Name>}
      <Group gap={6}>
        <Badge variant="light" color="gray" title={t(passkey.backed_up ? 'methods.passkeySyncedHint' : 'methods.passkeyDeviceHint')}>
          {t(passkey.backed_up ? 'methods.passkeySynced' : 'methods.passkeyDevice')}
        </Badge>
        {passkey.clone_suspected_at && (
          <Badge variant="light" color="red">
            {t('methods.passkeySuspected')}
          </Badge>
        )}
      </Group>
      {passkey.clone_suspected_at && (
        <Text size="xs" className="muted">
          {t('methods.passkeySuspectedText')}
        </Text>
      )}
    </Stack>
  )
}

// OtherChains offers to add a contract wallet on its other chains. Its owner proves it
// there: another person's contract may be at that address.
function OtherChains({ identity, chains, onChoose }: { identity: Identity; chains: Chain[]; onChoose: (chain: number) => void }) {
  const t = useT()
  if (chains.length === 0) return null
  return (
    <Group gap={6}>
      <Text size="xs" className="muted">
        {t('methods.alsoOn')}
      </Text>
      {chains.map(({ id, name }) => (
        <Anchor
          key={id}
          component="button"
          type="button"
          size="xs"
          aria-label={t('methods.alsoOnChain', { wallet: identityName(t, identity), chain: name })}
          onClick={() => onChoose(id)}
        >
          {name}
        </Anchor>
      ))}
    </Group>
  )
}

interface Props {
  session: Session
  identities: ReturnType<typeof useIdentities>
  onTicket: (ticket: string) => void
}

// SignInMethods shows every way into the account, changes them and links more.
export function SignInMethods({ session, identities, onTicket }: Props) {
  const t = useT()
  const client = useQueryClient()
  const providers = useProviders()
  const [walletOpen, walletDialog] = useDisclosure(false)
  const [chain, setChain] = useState<number>()
  const addOn = (on: number | undefined) => {
    linking.forget()
    setChain(on)
    walletDialog.open()
  }
  const [emailOpen, emailDialog] = useDisclosure(false)
  const [passkeyOpen, passkeyDialog] = useDisclosure(false)
  const [solanaOpen, solanaDialog] = useDisclosure(false)
  const linking = useLinking(session, identities.rows, { [walletProvider]: walletDialog.open, [passkeyProvider]: passkeyDialog.open, [solanaProvider]: solanaDialog.open })
  const email = providers.data?.find((provider) => provider.kind === 'email')
  const wallet = providers.data?.find((provider) => provider.kind === 'wallet')
  const solana = providers.data?.find((provider) => provider.kind === 'solana')
  const passkey = passkeysWork() ? providers.data?.find((provider) => provider.kind === 'passkey') : undefined
  // A restricted session does not see addresses, and cannot unlink.
  const emails = useQuery({ queryKey: keys.emails, queryFn: async () => (await data(api.GET('/v1/me/emails'))).data, enabled: !isRestricted(session) })
  const stepUp = useStepUp()
  const [keeping, setKeeping] = useState<string>()
  // A mail that cannot be used for want of a recent sign-in would be a waste.
  const keep = async (address: string) => {
    if (isFresh(session) || (await stepUp())) setKeeping(address)
  }
  const offered = providers.data && new Set(providers.data.map((provider) => provider.name))

  const refresh = () => refreshPerson(client)
  const unlink = async (identity: Identity) => {
    await data(api.DELETE('/v1/me/identities/{identity}', { params: { path: { identity: identity.id } } }))
    linking.forget()
    await refresh()
  }
  const begin = (open: () => void) => () => {
    linking.forget()
    open()
  }

  return (
    <Section title={t('methods.title')} hint={t('methods.hint')}>
      {linking.notice && <WordsAlert {...linking.notice} />}
      <Listing list={identities} empty={t('methods.none')}>
        {(rows) => (
          <Table
            label={t('methods.table')}
            rows={rows}
            rowKey={(identity) => identity.id}
            columns={[
              {
                label: t('methods.way'),
                cell: (identity) => (
                  <Group gap="xs" wrap="nowrap">
                    <Mark provider={identity.provider} />
                    <span>
                      {providerName(t, identity.provider)}
                      {offered && !offered.has(identity.provider) && <span className="muted"> ({t('methods.offline')})</span>}
                    </span>
                  </Group>
                ),
              },
              {
                label: t('methods.account'),
                cell: (identity) => (
                  <>
                    <Account identity={identity} />
                    <OtherChains identity={identity} chains={otherChains(identity, rows, wallet?.chains)} onChoose={addOn} />
                  </>
                ),
              },
              { label: t('methods.linked'), cell: (identity) => <Time at={identity.created_at} /> },
              { label: t('methods.lastUsed'), cell: (identity) => <Time at={identity.last_used_at} /> },
              {
                label: t('methods.actions'),
                action: true,
                cell: (identity) => {
                  const why = offered && !identities.hasNextPage ? whyNotUnlink(identity, rows, offered) : undefined
                  const ends = endsThisSession(session, identity, rows)
                  return (
                    <Stack gap={4}>
                      <Group gap={6}>
                        <LabelButton identity={identity} onDone={refresh} />
                        {wallet && identity.wallet && !identity.wallet.primary && <PrimaryButton identity={identity} onDone={refresh} />}
                        {!why && (
                          <ConfirmButton
                            label={t('methods.unlink')}
                            accessibleLabel={t('methods.unlinkOf', { way: identityName(t, identity) })}
                            title={t('methods.unlinkTitle')}
                            text={
                              <Stack gap="xs">
                                <div>{t.rich('methods.unlinkText', { way: <Name key="way">{identityName(t, identity)}</Name> })}</div>
                                {ends && <div>{t(ends)}</div>}
                                {leavesWith(identity, emails.data ?? []).map((address) =>
                                  identity.provider === emailProvider ? (
                                    <div key={address}>{t('methods.unlinkAddress', { address })}</div>
                                  ) : (
                                    <div key={address}>
                                      {t('methods.unlinkLeaves', { address })}{' '}
                                      {email && (
                                        <Anchor component="button" type="button" onClick={() => void keep(address)}>
                                          {t('methods.unlinkKeep', { address })}
                                        </Anchor>
                                      )}
                                    </div>
                                  ),
                                )}
                              </Stack>
                            }
                            confirm={t('methods.unlink')}
                            intent={`unlink:${identity.id}`}
                            action={() => unlink(identity)}
                          />
                        )}
                      </Group>
                      {why && (
                        <Text size="xs" className="muted">
                          {t(why)}
                        </Text>
                      )}
                    </Stack>
                  )
                },
              },
            ]}
          />
        )}
      </Listing>
      <Fault error={providers.error} />
      <Group gap="xs" role="group" aria-label={t('methods.linkGroup')} id="add-method" tabIndex={-1}>
        <Text size="sm">{t('methods.linkAnother')}</Text>
        {providers.data
          ?.filter((provider) => provider.kind === 'redirect')
          .map((provider) => (
            <Button key={provider.name} variant="default" onClick={() => linking.linkRedirect(provider.name)}>
              {providerName(t, provider.name)}
            </Button>
          ))}
        {passkey && (
          <Button variant="default" id="passkeys" onClick={begin(passkeyDialog.open)}>
            {providerName(t, passkey.name)}
          </Button>
        )}
        {wallet && (
          <Button variant="default" onClick={() => addOn(undefined)}>
            {providerName(t, wallet.name)}
          </Button>
        )}
        {solana && (
          <Button variant="default" onClick={begin(solanaDialog.open)}>
            {providerName(t, solana.name)}
          </Button>
        )}
        {/* Elsewhere the addresses below offer it, which such a session does not see. */}
        {email && isRestricted(session) && (
          <Button variant="default" onClick={begin(emailDialog.open)}>
            {providerName(t, email.name)}
          </Button>
        )}
      </Group>
      {email && (
        <AddAddress
          key={keeping}
          opened={keeping !== undefined}
          suggestion={keeping}
          onClose={() => setKeeping(undefined)}
          onDone={async () => void (await refresh())}
          onTicket={onTicket}
        />
      )}
      {email && <AddAddress opened={emailOpen} onClose={emailDialog.close} onDone={() => linking.linked(email.name)} onTicket={onTicket} />}
      {passkey && <AddPasskey opened={passkeyOpen} onClose={passkeyDialog.close} onDone={() => linking.linked(passkey.name)} onTicket={onTicket} />}
      <Dialog opened={walletOpen} onClose={walletDialog.close} title={t('methods.linkWallet')}>
        {wallet && (
          <Wallets
            purpose="link"
            provider={wallet}
            chain={chain}
            onDone={async () => {
              await linking.linked(wallet.name)
              walletDialog.close()
            }}
            onTicket={(ticket) => {
              walletDialog.close()
              onTicket(ticket)
            }}
          />
        )}
      </Dialog>
      <Dialog opened={solanaOpen} onClose={solanaDialog.close} title={t('methods.linkWallet')}>
        {solana && (
          <SolanaWallets
            purpose="link"
            provider={solana}
            onDone={async () => {
              await linking.linked(solana.name)
              solanaDialog.close()
            }}
            onTicket={(ticket) => {
              solanaDialog.close()
              onTicket(ticket)
            }}
          />
        )}
      </Dialog>
    </Section>
  )
}

import { Alert, Button, Checkbox, Group, NativeSelect, SimpleGrid, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, data } from '../../../api/client'
import { isProblem } from '../../../api/problem'
import { keys, refreshTeam, useProviders } from '../../../api/queries'
import type { components } from '../../../api/schema.gen'
import type { Team, TeamPolicy } from '../../../api/types'
import { providerName } from '../../../auth/providers'
import { PreviewConfirm } from '../../../components/preview-confirm'
import { Section } from '../../../components/section'
import { Fault, Retry, Waiting, WordsAlert } from '../../../components/show'
import { typedFor, useResumed } from '../../../components/step-up-context'
import { useT } from '../../../i18n/language'
import { Whose } from '../../sessions/components/ended'
import { type Form, limits, type Preset, presets, readDifferently, readForm, type Span, samePolicy, toForm, type Unit, units, withPreset } from '../policy-form'
import { Satisfy } from './refused'
import '../../../i18n/en/later/sessions'
import '../../../i18n/en/later/team'

export function Policy({ team }: { team: Team }) {
  const t = useT()
  const policy = useQuery({
    queryKey: keys.policy(team.id),
    queryFn: () => data(api.GET('/v1/teams/{team}/policy', { params: { path: { team: team.id } } })),
  })
  return (
    <Section title={t('policy.title')} hint={t('policy.hint')}>
      {policy.isPending && <Waiting />}
      {policy.error && !policy.data ? <Retry error={policy.error} again={policy.refetch} /> : <Fault error={policy.error} />}
      {policy.data && <Edit team={team} policy={policy.data} />}
    </Section>
  )
}

function Edit({ team, policy }: { team: Team; policy: TeamPolicy }) {
  const t = useT()
  const client = useQueryClient()
  const providers = useProviders()
  const [intent, saving] = [`policy ${team.id}`, `save policy ${team.id}`]
  const [form, setForm] = useState(() => keptForm(typedFor(intent) || typedFor(saving)) ?? toForm(policy))
  useResumed(intent)
  const set = (part: Partial<typeof form>) => setForm({ ...form, ...part })
  const { policy: typed, wrong } = readForm(form)
  const changed = !typed || !samePolicy(typed, policy)
  // The policy that the form began with. Another one, saved meanwhile by somebody
  // else, resets it only if that loses nothing.
  const [from, setFrom] = useState(policy)
  const begin = () => {
    setFrom(policy)
    setForm(toForm(policy))
  }
  const another = !samePolicy(from, policy)
  if (another && typed && (!changed || samePolicy(typed, from))) begin()
  const names = [...new Set([...(providers.data ?? []).map((provider) => provider.name), ...policy.required_providers, ...policy.any_of])]
  const put = async (body: TeamPolicy, dry_run: boolean) => {
    const { ended, affected } = await data(api.PUT('/v1/teams/{team}/policy', { params: { path: { team: team.id } }, body: { ...body, dry_run } }))
    return { ...ended, affected }
  }
  const save = async (body: TeamPolicy) => {
    const ended = await put(body, false)
    setSaved({ policy: body, count: ended.count })
    await refreshTeam(client, team.id)
  }
  const [saved, setSaved] = useState<{ policy: TeamPolicy; count: number }>()
  const preview = usePreview(team, changed ? typed : undefined, put)
  // A refusal of a field is shown at the field.
  const refused = isProblem(preview.error, 'invalid_request') && preview.error.field !== undefined ? preview.error : undefined
  const refusedAt = (field: keyof TeamPolicy) => refused?.field?.split('.')[0] === field && t('common.serviceSays', { detail: refused.message })
  const spanWrong = (span: 'maxAge' | 'idle') => {
    if (wrong[span] === 'short') return t('policy.wrong_short', { count: limits[span].least })
    if (wrong[span] === 'long') return t('policy.wrong_long', { count: limits[span].most / units.days })
    return wrong[span] === 'number' && t('policy.wrong_number')
  }
  const otherwise = readDifferently(form.networks)
  return (
    <Stack>
      <Group gap="xs" role="group" aria-label={t('policy.presets')}>
        <Text size="sm">{t('policy.presets')}</Text>
        {(Object.keys(presets) as Preset[]).map((preset) => (
          <Button key={preset} variant="default" size="xs" title={t(`policy.preset_${preset}Hint`)} onClick={() => setForm(withPreset(form, preset))}>
            {t(`policy.preset_${preset}`)}
          </Button>
        ))}
      </Group>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <SpanInput
          label={t('policy.maxAge')}
          hint={t('policy.maxAgeHint')}
          wrong={spanWrong('maxAge') || refusedAt('max_age')}
          span={form.maxAge}
          onChange={(maxAge) => set({ maxAge })}
        />
        <SpanInput label={t('policy.idle')} hint={t('policy.idleHint')} wrong={spanWrong('idle') || refusedAt('idle')} span={form.idle} onChange={(idle) => set({ idle })} />
        <Checkbox.Group label={t('policy.providers')} value={form.providers} error={refusedAt('required_providers')} onChange={(chosen) => set({ providers: chosen })}>
          <Group mt="xs">
            {names.map((name) => (
              <Checkbox key={name} value={name} label={providerName(t, name)} />
            ))}
          </Group>
        </Checkbox.Group>
        <Checkbox.Group label={t('policy.anyOf')} description={t('policy.anyOfHint')} value={form.anyOf} error={refusedAt('any_of')} onChange={(chosen) => set({ anyOf: chosen })}>
          <Group mt="xs">
            {names.map((name) => (
              <Checkbox key={name} value={name} label={providerName(t, name)} />
            ))}
          </Group>
        </Checkbox.Group>
        <Textarea
          label={t('policy.networks')}
          description={otherwise.length > 0 ? `${t('policy.networksHint')} ${t('policy.networksRead', { networks: otherwise.join(', ') })}` : t('policy.networksHint')}
          value={form.networks}
          error={wrong.networks ? t('policy.networkWrong', { line: wrong.networks.slice(0, 50) }) : refusedAt('allowed_networks')}
          onChange={(event) => set({ networks: event.currentTarget.value })}
          rows={3}
          spellCheck={false}
        />
      </SimpleGrid>
      <Switch label={t('policy.exclusive')} checked={form.exclusive} onChange={(event) => set({ exclusive: event.currentTarget.checked })} />
      <Switch label={t('policy.fresh')} checked={form.fresh} onChange={(event) => set({ fresh: event.currentTarget.checked })} />
      <Preview preview={preview} changed={changed} readable={typed !== undefined && !refused} intent={intent} typed={JSON.stringify(form)} />
      {another && (
        <Alert color="orange" variant="light" role="alert" title={t('policy.another')}>
          <Stack gap="xs" align="flex-start">
            {t('policy.anotherText')}
            <Button variant="default" size="xs" onClick={begin}>
              {t('policy.takeOther')}
            </Button>
          </Stack>
        </Alert>
      )}
      {saved && !changed && samePolicy(saved.policy, policy) && (
        <WordsAlert kind="done" words={{ title: t('policy.saved'), text: t('policy.savedText', { count: saved.count }) }} />
      )}
      <Group>
        <PreviewConfirm
          label={t('policy.save')}
          title={t('policy.saveTitle')}
          variant="filled"
          size="md"
          purpose="policy"
          intent={saving}
          typed={JSON.stringify(form)}
          disabled={!typed || !changed}
          preview={async () => ({ body: typed!, ended: await put(typed!, true) })}
          confirm={({ ended }) => (ended.count > 0 ? t('policy.saveConfirm', { count: ended.count }) : t('policy.save'))}
          action={({ body }) => save(body)}
        >
          {({ ended }) => (
            <>
              {another && <Text fw={600}>{t('policy.anotherText')}</Text>}
              <Ends {...ended} />
            </>
          )}
        </PreviewConfirm>
        {changed && !another && (
          <Button variant="default" size="xs" onClick={begin}>
            {t('policy.reset')}
          </Button>
        )}
      </Group>
    </Stack>
  )
}

// keptForm is the form as it was left for a proof at a provider.
function keptForm(typed: string): Form | undefined {
  return typed === '' ? undefined : (JSON.parse(typed) as Form)
}

interface SpanProps {
  label: string
  hint: string
  wrong: string | false
  span: Span
  onChange: (span: Span) => void
}

function SpanInput({ label, hint, wrong, span, onChange }: SpanProps) {
  const t = useT()
  return (
    <Group align="flex-end" gap="xs" wrap="nowrap">
      <TextInput
        label={label}
        description={hint}
        flex={1}
        inputMode="numeric"
        value={span.number}
        error={wrong}
        onChange={(event) => onChange({ ...span, number: event.currentTarget.value })}
      />
      <NativeSelect
        aria-label={t('policy.unit', { field: label })}
        w={120}
        value={span.unit}
        onChange={(event) => onChange({ ...span, unit: event.currentTarget.value as Unit })}
        data={(Object.keys(units) as Unit[]).map((value) => ({ value, label: t(`policy.${value}`) }))}
      />
    </Group>
  )
}

type Put = (policy: TeamPolicy, dryRun: boolean) => Promise<React.ComponentProps<typeof Ends>>

// usePreview asks, as the form changes, whom the policy would end.
function usePreview(team: Team, policy: TeamPolicy | undefined, put: Put) {
  const [asked] = useDebouncedValue(policy && JSON.stringify(policy), 400)
  return useQuery({
    queryKey: [...keys.policy(team.id), 'preview', asked ?? null],
    queryFn: () => put(JSON.parse(asked!) as TeamPolicy, true),
    enabled: asked !== undefined && policy !== undefined,
    placeholderData: keepPreviousData,
    retry: false,
  })
}

interface PreviewProps {
  preview: ReturnType<typeof usePreview>
  changed: boolean
  /** Whether every field could be read. */
  readable: boolean
  intent: string
  typed: string
}

function Preview({ preview, changed, readable, intent, typed }: PreviewProps) {
  const t = useT()
  return (
    <Stack gap={4} mih={52} role="region" aria-live="polite" aria-label={t('policy.preview')} aria-busy={preview.isFetching}>
      <Text fw={600} size="sm">
        {t('policy.preview')}
      </Text>
      {!changed || !readable ? (
        <Text size="sm" className="muted">
          {t(changed ? 'policy.unreadable' : 'policy.unchanged')}
        </Text>
      ) : preview.error ? (
        <Stack gap="sm" align="flex-start">
          <Fault error={preview.error} purpose="policy" />
          {isProblem(preview.error, 'policy_unsatisfied') && <Satisfy error={preview.error} again={preview.refetch} intent={intent} typed={typed} />}
        </Stack>
      ) : (
        preview.data && <Ends {...preview.data} />
      )}
    </Stack>
  )
}

interface EndsProps {
  count: number
  skipped: number
  sessions: React.ComponentProps<typeof Whose>['sessions']
  affected: components['schemas']['PolicyAffected']
}

// Ends says how much of the team a policy ends.
function Ends({ count, skipped, sessions, affected }: EndsProps) {
  const t = useT()
  return (
    <Stack gap={4}>
      {count > 0 && (
        <Text fw={600} className="number">
          {t('policy.affected', { sessions: affected.sessions, all: affected.sessions_total, members: affected.members, team: affected.members_total })}
        </Text>
      )}
      <Text size="sm">{count === 0 ? t('policy.previewNothing') : t('policy.previewEnds', { count })}</Text>
      <Whose sessions={sessions} count={count} />
      {sessions.some((session) => session.current) && (
        <Text size="sm" fw={600}>
          {t('sessions.endOwn')}
        </Text>
      )}
      {skipped > 0 && <Text size="sm">{t('policy.previewSkipped', { count: skipped })}</Text>}
    </Stack>
  )
}

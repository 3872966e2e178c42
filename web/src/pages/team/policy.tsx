import { Button, Checkbox, Group, NativeSelect, SimpleGrid, Stack, Switch, Text, Textarea, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, data } from '../../api/client'
import { keys, useProviders } from '../../api/queries'
import type { Team, TeamPolicy } from '../../api/types'
import { providerName } from '../../auth/providers'
import { Whose } from '../../components/ended'
import { PreviewConfirm } from '../../components/preview-confirm'
import { Section } from '../../components/section'
import { Fault, Waiting, WordsAlert } from '../../components/show'
import { useT } from '../../i18n/language'
import { readForm, samePolicy, type Span, toForm, type Unit, units } from './policy-form'

export function Policy({ team }: { team: Team }) {
  const t = useT()
  const policy = useQuery({
    queryKey: keys.policy(team.id),
    queryFn: () => data(api.GET('/v1/teams/{team}/policy', { params: { path: { team: team.id } } })),
  })
  return (
    <Section title={t('policy.title')} hint={t('policy.hint')}>
      {policy.isPending && <Waiting />}
      <Fault error={policy.error} />
      {/* What somebody else has saved meanwhile begins the form anew. */}
      {policy.data && <Edit key={JSON.stringify(policy.data)} team={team} policy={policy.data} />}
    </Section>
  )
}

function Edit({ team, policy }: { team: Team; policy: TeamPolicy }) {
  const t = useT()
  const client = useQueryClient()
  const providers = useProviders()
  const [form, setForm] = useState(() => toForm(policy))
  const set = (part: Partial<typeof form>) => setForm({ ...form, ...part })
  const { policy: typed, wrong } = readForm(form)
  const changed = !typed || !samePolicy(typed, policy)
  const names = [...new Set([...(providers.data ?? []).map((provider) => provider.name), ...policy.required_providers])]
  const put = async (body: TeamPolicy, dry_run: boolean) =>
    (await data(api.PUT('/v1/teams/{team}/policy', { params: { path: { team: team.id } }, body: { ...body, dry_run } }))).ended
  const save = async (body: TeamPolicy) => {
    const ended = await put(body, false)
    client.setQueryData(keys.policySaved(team.id), ended.count)
    await Promise.all([client.invalidateQueries({ queryKey: keys.team(team.id) }), client.invalidateQueries({ queryKey: keys.session })])
  }
  const saved = useQuery<number>({ queryKey: keys.policySaved(team.id), enabled: false })
  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <SpanInput label={t('policy.maxAge')} hint={t('policy.maxAgeHint')} wrong={wrong.maxAge} span={form.maxAge} onChange={(maxAge) => set({ maxAge })} />
        <SpanInput label={t('policy.idle')} hint={t('policy.idleHint')} wrong={wrong.idle} span={form.idle} onChange={(idle) => set({ idle })} />
        <Checkbox.Group label={t('policy.providers')} value={form.providers} onChange={(chosen) => set({ providers: chosen })}>
          <Group mt="xs">
            {names.map((name) => (
              <Checkbox key={name} value={name} label={providerName(t, name)} />
            ))}
          </Group>
        </Checkbox.Group>
        <Textarea
          label={t('policy.networks')}
          description={t('policy.networksHint')}
          value={form.networks}
          error={wrong.networks && t('filters.networkWrong')}
          onChange={(event) => set({ networks: event.currentTarget.value })}
          rows={3}
          spellCheck={false}
        />
      </SimpleGrid>
      <Switch label={t('policy.exclusive')} checked={form.exclusive} onChange={(event) => set({ exclusive: event.currentTarget.checked })} />
      <Switch label={t('policy.fresh')} checked={form.fresh} onChange={(event) => set({ fresh: event.currentTarget.checked })} />
      <Preview team={team} policy={changed ? typed : undefined} put={put} />
      {saved.data !== undefined && !changed && (
        <WordsAlert kind="done" words={{ title: t('policy.saved'), text: t('policy.savedText', { count: saved.data }) }} />
      )}
      <Group>
        <PreviewConfirm
          label={t('policy.save')}
          title={t('policy.saveTitle')}
          variant="filled"
          size="md"
          disabled={!typed || !changed}
          preview={async () => ({ body: typed!, ended: await put(typed!, true) })}
          confirm={({ ended }) => (ended.count > 0 ? t('policy.saveConfirm', { count: ended.count }) : t('policy.save'))}
          action={({ body }) => save(body)}
        >
          {({ ended }) => <Ends count={ended.count} skipped={ended.skipped} sessions={ended.sessions} />}
        </PreviewConfirm>
        {changed && (
          <Button variant="default" size="xs" onClick={() => setForm(toForm(policy))}>
            {t('policy.reset')}
          </Button>
        )}
      </Group>
    </Stack>
  )
}

interface SpanProps {
  label: string
  hint: string
  wrong: true | undefined
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
        error={wrong && t('policy.wrongNumber')}
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

// Preview asks, as the form changes, whom the policy would end.
function Preview({ team, policy, put }: { team: Team; policy: TeamPolicy | undefined; put: Put }) {
  const t = useT()
  const [asked] = useDebouncedValue(policy && JSON.stringify(policy), 400)
  const preview = useQuery({
    queryKey: [...keys.policy(team.id), 'preview', asked ?? null],
    queryFn: () => put(JSON.parse(asked!) as TeamPolicy, true),
    enabled: asked !== undefined && policy !== undefined,
    placeholderData: keepPreviousData,
    retry: false,
  })
  return (
    <Stack gap={4} mih={52} role="region" aria-live="polite" aria-label={t('policy.preview')} aria-busy={preview.isFetching}>
      <Text fw={600} size="sm">
        {t('policy.preview')}
      </Text>
      {policy === undefined ? (
        <Text size="sm" className="muted">
          {t('policy.unchanged')}
        </Text>
      ) : preview.error ? (
        <Fault error={preview.error} purpose="policy" />
      ) : (
        preview.data && <Ends {...preview.data} />
      )}
    </Stack>
  )
}

function Ends({ count, skipped, sessions }: { count: number; skipped: number; sessions: React.ComponentProps<typeof Whose>['sessions'] }) {
  const t = useT()
  return (
    <Stack gap={4}>
      <Text size="sm">{count === 0 ? t('policy.previewNothing') : t('policy.previewEnds', { count })}</Text>
      <Whose sessions={sessions} count={count} />
      {skipped > 0 && <Text size="sm">{t('policy.previewSkipped', { count: skipped })}</Text>}
    </Stack>
  )
}

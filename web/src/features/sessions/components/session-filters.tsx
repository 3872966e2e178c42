import { Button, NativeSelect, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useProviders } from '../../../api/queries'
import { providerName } from '../../../auth/providers'
import { useT } from '../../../i18n/language'
import { active, ages, type Chosen, filterErrors } from '../filters'
import '../../../i18n/en/later/sessions'

interface Props {
  chosen: Chosen
  onChange: (chosen: Chosen) => void
  /** Whom to choose from; without it an id is typed, with null no user. */
  members?: { value: string; label: string }[] | null
}

// SessionFilters are the fields by which sessions are found.
export function SessionFilters({ chosen, onChange, members }: Props) {
  const t = useT()
  const providers = useProviders()
  const fault = filterErrors(chosen)
  const set = (part: Partial<Chosen>) => onChange({ ...chosen, ...part })
  const states = ([...(members ? (['active', 'refused'] as const) : (['active'] as const)), 'expired', 'revoked'] as const).map((value) => ({
    value,
    label: t(`sessions.${value}`),
  }))
  const names = [...(providers.data ?? []).map((provider) => provider.name), 'recovery']
  return (
    <Stack gap="xs" component="fieldset" className="plain" aria-label={t('filters.title')}>
      <SimpleGrid cols={{ base: 2, sm: 3, md: members === null ? 5 : 6 }} spacing="xs" verticalSpacing="xs">
        {members && (
          <NativeSelect
            label={t('filters.member')}
            value={chosen.user}
            onChange={(event) => set({ user: event.currentTarget.value })}
            data={[{ value: '', label: t('filters.everyone') }, ...members]}
          />
        )}
        {members === undefined && (
          <TextInput
            label={t('filters.user')}
            value={chosen.user}
            error={fault.user && t('common.idWrong')}
            maxLength={36}
            spellCheck={false}
            onChange={(event) => set({ user: event.currentTarget.value })}
          />
        )}
        <NativeSelect
          label={t('filters.status')}
          value={chosen.status}
          onChange={(event) => set({ status: event.currentTarget.value as Chosen['status'] })}
          data={[{ value: '', label: t('filters.statusAll') }, ...states]}
        />
        <NativeSelect
          label={t('filters.provider')}
          value={chosen.provider}
          onChange={(event) => set({ provider: event.currentTarget.value })}
          data={[{ value: '', label: t('filters.providerAll') }, ...names.map((value) => ({ value, label: providerName(t, value) }))]}
        />
        <TextInput
          label={t('filters.device')}
          placeholder={t('filters.devicePlaceholder')}
          value={chosen.device}
          maxLength={100}
          onChange={(event) => set({ device: event.currentTarget.value })}
        />
        <TextInput
          label={t('filters.network')}
          placeholder={t('filters.networkPlaceholder')}
          value={chosen.network}
          error={fault.network && t('filters.networkWrong')}
          maxLength={50}
          spellCheck={false}
          onChange={(event) => set({ network: event.currentTarget.value })}
        />
        <NativeSelect
          label={t('filters.age')}
          value={chosen.age}
          onChange={(event) => set({ age: event.currentTarget.value as Chosen['age'] })}
          data={[{ value: '', label: t('filters.ageAll') }, ...ages.map((value) => ({ value, label: t(`filters.${value}`) }))]}
        />
      </SimpleGrid>
      {/* Its place is kept, so that nothing moves when it comes. */}
      <Button
        variant="subtle"
        size="compact-xs"
        style={{ alignSelf: 'flex-start', visibility: JSON.stringify(chosen) === JSON.stringify(active) ? 'hidden' : 'visible' }}
        onClick={() => onChange(active)}
      >
        {t('filters.clear')}
      </Button>
    </Stack>
  )
}

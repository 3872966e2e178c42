import { Button, CloseButton, Group, NativeSelect, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useDisclosure, useId } from '@mantine/hooks'
import { IconFilter } from '@tabler/icons-react'
import type { ReactNode } from 'react'
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
  /** Beside the button that shows the fields. */
  children?: ReactNode
}

// SessionFilters shows by what sessions are found, each as a chip that takes it away,
// and the fields to change it.
export function SessionFilters({ chosen, onChange, members, children }: Props) {
  const t = useT()
  const id = useId()
  const providers = useProviders()
  const fault = filterErrors(chosen)
  // What is wrong is said at its field.
  const [opened, { toggle }] = useDisclosure(fault.user || fault.network)
  const set = (part: Partial<Chosen>) => onChange({ ...chosen, ...part })
  const states = ([...(members ? (['active', 'refused'] as const) : (['active'] as const)), 'expired', 'revoked'] as const).map((value) => ({
    value,
    label: t(`sessions.${value}`),
  }))
  const names = [...(providers.data ?? []).map((provider) => provider.name), 'recovery']
  const chips: { field: keyof Chosen; label: string; value: string }[] = [
    { field: 'user', label: t(members ? 'filters.member' : 'filters.user'), value: members?.find(({ value }) => value === chosen.user)?.label ?? chosen.user },
    { field: 'status', label: t('filters.status'), value: states.find(({ value }) => value === chosen.status)?.label ?? t('filters.statusAll') },
    { field: 'provider', label: t('filters.provider'), value: chosen.provider && providerName(t, chosen.provider) },
    { field: 'device', label: t('filters.device'), value: chosen.device },
    { field: 'network', label: t('filters.network'), value: chosen.network },
    { field: 'age', label: t('filters.age'), value: chosen.age && t(`filters.${chosen.age}`) },
  ]
  const changed = chips.filter(({ field }) => chosen[field] !== active[field])
  return (
    <Stack gap="xs" component="fieldset" className="plain" aria-label={t('filters.title')}>
      <Group gap="xs" mih={30}>
        <Button variant="default" size="xs" leftSection={<IconFilter size={14} aria-hidden />} aria-expanded={opened} aria-controls={opened ? id : undefined} onClick={toggle}>
          {t('filters.title')}
        </Button>
        {changed.map(({ field, label, value }) => (
          <span key={field} className="chip">
            {label} <strong className="name-line">{value}</strong>
            <CloseButton size="xs" aria-label={t('filters.remove', { filter: label })} onClick={() => set({ [field]: active[field] })} />
          </span>
        ))}
        {changed.length > 0 && (
          <Button variant="subtle" size="compact-xs" onClick={() => onChange(active)}>
            {t('filters.clear')}
          </Button>
        )}
        {children}
      </Group>
      {opened && (
        <SimpleGrid id={id} cols={{ base: 2, sm: 3, md: members === null ? 5 : 6 }} spacing="xs" verticalSpacing="xs">
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
      )}
    </Stack>
  )
}

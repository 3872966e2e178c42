import { Checkbox, Stack } from '@mantine/core'
import { useT } from '../i18n/language'
import { Name } from './show'
import '../i18n/en/later/keys'

interface Props {
  /** The working keys that the person created. */
  keys: readonly { id: string; name: string; prefix: string }[]
  /** Whether the person who is asked created them. */
  own?: boolean
  checked: boolean
  onChange: (checked: boolean) => void
}

// EndKeys asks whether the API keys that a person created end with their rights; they
// go on otherwise. Nothing, where there are none.
export function EndKeys({ keys, own = false, checked, onChange }: Props) {
  const t = useT()
  if (keys.length === 0) return null
  return (
    <Checkbox
      checked={checked}
      onChange={(event) => onChange(event.currentTarget.checked)}
      label={t(own ? 'keys.endOwn' : 'keys.endCreated', { count: keys.length })}
      description={
        <Stack gap={0} component="span">
          {keys.map((key) => (
            <Name line key={key.id}>{`${key.name} (${key.prefix}…)`}</Name>
          ))}
        </Stack>
      }
    />
  )
}

import type { Translate } from '../../i18n/translate'
import '../../i18n/en/later/merge'

const fields = {
  display_name: 'merge.fieldDisplayName',
  avatar_url: 'merge.fieldAvatar',
  primary_email: 'merge.fieldEmail',
  onboarded_at: 'merge.fieldOnboarded',
  metadata: 'merge.fieldMetadata',
} as const

// fieldName says what two accounts differ in; what an application keeps goes by
// the name it has there.
export function fieldName(t: Translate, field: string): string {
  if (Object.hasOwn(fields, field)) return t(fields[field as keyof typeof fields])
  return t('merge.fieldOther', { field: field.replace(/^metadata\./, '') })
}

const longest = 200

// valueText returns any value as bounded text.
export function valueText(t: Translate, value: unknown): string {
  if (value === null || value === undefined || value === '') return t('merge.empty')
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > longest ? text.slice(0, longest) + '…' : text
}

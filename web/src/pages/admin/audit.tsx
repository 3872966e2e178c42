import { api, data } from '../../api/client'
import { keys } from '../../api/queries'
import { AuditTrail } from '../../components/audit-trail'
import { Section } from '../../components/section'
import { useT } from '../../i18n/language'
import { IDLink } from './links'

export function Audit() {
  const t = useT()
  return (
    <Section title={t('audit.title')} hint={t('audit.hintAll')}>
      <AuditTrail
        queryKey={keys.admin('audit')}
        fetchPage={(query) => data(api.GET('/v1/admin/audit', { params: { query } }))}
        exportPath="/v1/admin/audit/export"
        who={(id) => <IDLink id={id} />}
      />
    </Section>
  )
}

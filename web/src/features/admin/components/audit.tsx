import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import { Section } from '../../../components/section'
import { useT } from '../../../i18n/language'
import { AuditTrail } from '../../audit/components/audit-trail'
import { Party, TrailLink } from './links'
import '../../../i18n/en/later/audit'

// Audit is all that happened, or what happened in the team of the address.
export function Audit() {
  const t = useT()
  return (
    <Section title={t('audit.title')} hint={t('audit.hintAll')}>
      <AuditTrail
        queryKey={keys.admin('audit')}
        fetchPage={(query) => data(api.GET('/v1/admin/audit', { params: { query } }))}
        exportPath="/v1/admin/audit/export"
        who={(id, party) => <Party id={id} party={party} />}
        teams={(id) => <TrailLink team={id}>{`…${id.slice(-12)}`}</TrailLink>}
      />
    </Section>
  )
}

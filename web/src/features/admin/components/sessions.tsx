import { useQueryClient } from '@tanstack/react-query'
import { api, data } from '../../../api/client'
import { keys } from '../../../api/queries'
import { Section } from '../../../components/section'
import { useT } from '../../../i18n/language'
import { SessionManager } from '../../sessions/components/session-manager'
import { UserLink } from './links'
import '../../../i18n/en/later/sessions'
import '../../../i18n/en/later/operator'

// Sessions are everyone's, or one user's.
export function Sessions({ user }: { user?: string }) {
  const t = useT()
  const client = useQueryClient()
  return (
    <Section title={t('operator.sessions')} {...(user ? {} : { hint: t('sessions.hintAll') })}>
      <SessionManager
        {...(user ? { user, members: null } : {})}
        label={t('sessions.tableAll')}
        empty={t('sessions.none')}
        queryKey={keys.admin('sessions', user ?? '')}
        fetchPage={(query) => data(api.GET('/v1/admin/sessions', { params: { query } }))}
        endOne={(session) => data(api.DELETE('/v1/admin/sessions/{session}', { params: { path: { session } } }))}
        endMany={(body) => data(api.POST('/v1/admin/sessions/revoke', { body }))}
        fetchJob={(job) => data(api.GET('/v1/admin/jobs/{job}', { params: { path: { job } } }))}
        onEnded={() => Promise.all([client.invalidateQueries({ queryKey: keys.operator }), client.invalidateQueries({ queryKey: keys.session })])}
        trail={(id) => `/admin/audit?user=${id}`}
        person={(session) => (
          <>
            <UserLink user={session.user} />
            {session.current && <span className="muted"> ({t('sessions.thisBrowser')})</span>}
          </>
        )}
      />
    </Section>
  )
}

import { auth } from '@/auth'
import { reports, teamsOf } from '@/lib/store'
import { addReport, deleteReport, leave } from './actions'
import { Claims, StepUp, TeamSwitch } from './client'

export default async function Dashboard() {
  const { user, team } = await auth.protect({ onboarded: true })
  const issuer = process.env.AUTH_LATCHKEY_ISSUER
  return (
    <>
      <h1>Dashboard</h1>
      <p>
        Signed in as <strong>{user.name ?? user.username}</strong>
        {user.email && ` (${user.email})`}
      </p>

      <h2>Wallets</h2>
      <ul aria-label="Wallets">
        {user.wallets.map(({ address }) => (
          <li key={address}>{address}</li>
        ))}
      </ul>
      <p>
        <a href={`${issuer}/account/sign-in-methods`}>Link a wallet</a>
      </p>
      <Claims />

      <h2>Team</h2>
      <TeamSwitch teams={teamsOf(user.id)} />

      <p>
        <a href="/dashboard/api">What the API knows</a>
      </p>

      <h2>Reports</h2>
      <form action={addReport}>
        <label>
          Title <input name="title" required maxLength={100} />
        </label>{' '}
        <button type="submit">Add report</button>
      </form>
      <ul aria-label="Reports">
        {reports.of(user.id, team?.id).map(({ id, title }) => (
          <li key={id}>
            {title}{' '}
            {team && (
              <form action={deleteReport.bind(null, id)} style={{ display: 'inline' }}>
                <button type="submit">Delete {title}</button>
              </form>
            )}
          </li>
        ))}
      </ul>

      <StepUp />
      <form action={leave}>
        <button type="submit">Leave</button>
      </form>
    </>
  )
}

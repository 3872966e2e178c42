import type { Page, Route } from '@playwright/test'
import { beAtProvider, clickSignOut, expect, openPage, signInWithNewWallet, signOut, skipUnlessRunnable, test, tryAgain } from './fixtures'
import { shoot } from './shoot'
import { newTeam, post, put, signInAs } from './teams'

skipUnlessRunnable()

// endMenu opens the menu of what to end, and returns one of its items.
async function endMenu(page: Page, name: string) {
  await page.getByRole('button', { name: 'End…' }).click()
  return page.getByRole('menuitem', { name })
}

const sessionsOf = (page: Page) => page.getByRole('table', { name: 'Team sessions' }).getByRole('row')

test('a session that is opened, ended here or ended elsewhere shows at once in another browser', async ({ person }) => {
  const [owner, second, member] = [await person(), await person(), await person()]
  await signInAs(owner, 'Olga')
  await signInAs(member, 'Mona')
  const team = await newTeam(owner, 'Night shift', [member])
  // The same owner in a second browser.
  await second.context().addCookies(await owner.context().cookies())
  await owner.goto(`/teams/${team}/sessions`)
  await second.goto(`/teams/${team}/sessions`)
  for (const page of [owner, second]) {
    await expect(page.getByText('Nobody is active in this team right now')).toBeVisible()
    await expect(page.getByRole('status').getByText('Live')).toBeVisible()
  }

  await member.goto(`/teams/${team}`)
  await member.getByRole('button', { name: 'Start team session' }).click()
  await expect(member.getByText('Active in this team', { exact: true })).toBeVisible()
  for (const page of [owner, second]) await expect(sessionsOf(page).filter({ hasText: 'Mona' })).toBeVisible()

  await second.getByRole('button', { name: /^End the session of Mona/ }).click()
  await owner.getByRole('button', { name: /^End the session of Mona/ }).press('Enter')
  await owner.getByRole('dialog').getByRole('button', { name: 'End session', exact: true }).press('Enter')
  // Said, and the keyboard goes on from there.
  await expect(owner.getByRole('status').filter({ hasText: '1 session ended' })).toBeVisible()
  await expect(owner.getByRole('dialog')).toHaveCount(0)
  await expect(owner.getByRole('heading', { name: 'Sessions', exact: true })).toBeFocused()
  // Somebody about to do the same sees that.
  await expect(second.getByRole('dialog')).toContainText('has already ended')
  await expect(second.getByRole('dialog').getByRole('button', { name: 'End session', exact: true })).toHaveCount(0)
  await second.keyboard.press('Escape')
  await expect(second.getByText('Nobody is active in this team right now')).toBeVisible()
  await expect(owner.getByText('Nobody is active in this team right now')).toBeVisible()
  await member.reload()
  await expect(member.getByRole('button', { name: 'Start team session' })).toBeVisible()

  // A session that ends by signing out, far from the team.
  await member.getByRole('button', { name: 'Start team session' }).click()
  await expect(sessionsOf(owner).filter({ hasText: 'Mona' })).toBeVisible()
  await member.goto('/account')
  await clickSignOut(member)
  await expect(owner.getByText('Nobody is active in this team right now')).toBeVisible()
})

test('sessions are found by filters and ended in number, and the numbers are named first', async ({ person }) => {
  const [owner, ...members] = [await person(), await person(), await person(), await person()]
  await signInAs(owner, 'Oskar')
  for (const [i, page] of members.entries()) await signInAs(page, `Bulk${i}`)
  const team = await newTeam(owner, 'Day shift', members)
  for (const page of [owner, ...members]) await post(page, `/v1/teams/${team}/sessions`, {})
  await owner.goto(`/teams/${team}/sessions?sort=newest`)
  await expect(sessionsOf(owner)).toHaveCount(5)
  await expect(sessionsOf(owner).filter({ hasText: 'this device' })).toContainText('Oskar')

  // By filter.
  await owner.getByRole('button', { name: 'Filters' }).click()
  await owner.getByLabel('Network', { exact: true }).fill('nowhere')
  await expect(owner.getByText('Enter an IP address, or a range such as')).toBeVisible()
  await expect(await endMenu(owner, 'End all matching sessions')).toBeDisabled()
  await owner.keyboard.press('Escape')
  await owner.getByLabel('Network', { exact: true }).fill('203.0.113.0/24')
  await expect(owner.getByText('No sessions match.')).toBeVisible()
  await owner.getByRole('button', { name: 'Clear filters' }).click()
  await owner.getByLabel('Member', { exact: true }).selectOption({ label: 'Bulk0' })
  await expect(sessionsOf(owner)).toHaveCount(2)
  await (await endMenu(owner, 'End all matching sessions')).click()
  await expect(owner.getByRole('dialog')).toContainText('1 session ends immediately')
  await owner.getByRole('button', { name: 'End 1 session' }).click()
  await expect(owner.getByText('1 session ended')).toBeVisible()
  await owner.getByRole('button', { name: 'Clear filters' }).click()
  await expect(sessionsOf(owner)).toHaveCount(4)

  // By selection, by keyboard.
  const box = owner.getByRole('checkbox', { name: /^Select the session of Bulk1/ })
  await box.focus()
  await owner.keyboard.press('Space')
  await expect(owner.getByText('1 selected')).toBeVisible()
  await owner.getByRole('button', { name: 'End selected' }).focus()
  await owner.keyboard.press('Enter')
  await expect(owner.getByRole('dialog')).toContainText('Bulk1')
  await owner.keyboard.press('Escape')
  await expect(owner.getByRole('dialog')).toHaveCount(0)
  await expect(sessionsOf(owner)).toHaveCount(4)
  await owner.getByRole('button', { name: 'End selected' }).click()
  await owner.getByRole('button', { name: 'End 1 session' }).click()
  await expect(sessionsOf(owner)).toHaveCount(3)

  // Everyone else's, and not of who comes in while the question is open.
  await post(members[0]!, `/v1/teams/${team}/sessions`, {})
  await expect(sessionsOf(owner)).toHaveCount(4)
  await (await endMenu(owner, 'End sessions of all others')).click()
  await expect(owner.getByRole('dialog')).toContainText('2 sessions end immediately')
  await post(members[1]!, `/v1/teams/${team}/sessions`, {})
  await owner.getByRole('button', { name: 'End 2 sessions' }).click()
  await expect(owner.getByText('2 sessions ended')).toBeVisible()
  await expect(sessionsOf(owner)).toHaveCount(3)
  await expect(sessionsOf(owner).filter({ hasText: 'Bulk1' })).toHaveCount(1)
  await expect(sessionsOf(owner).last()).toContainText('Oskar')

  // Of two that are selected one ends elsewhere: one ends here.
  const again = await post(members[0]!, `/v1/teams/${team}/sessions`, {})
  for (const name of ['Bulk0', 'Bulk1']) await owner.getByRole('checkbox', { name: `Select the session of ${name}` }).check()
  await owner.getByRole('button', { name: 'End selected' }).click()
  await expect(owner.getByRole('dialog')).toContainText('2 sessions end immediately')
  await owner.request.delete(`/v1/teams/${team}/sessions/${again['id']!}`, { headers: { Origin: new URL(owner.url()).origin } })
  await owner.getByRole('button', { name: 'End 2 sessions' }).click()
  await expect(owner.getByText('1 session ended')).toBeVisible()
  await expect(owner.getByText('1 session had already ended')).toBeVisible()
  await expect(sessionsOf(owner)).toHaveCount(2)

  await owner.getByLabel('Status', { exact: true }).selectOption('Any status')
  await expect(sessionsOf(owner).filter({ hasText: 'Ended' })).toHaveCount(6)
  await shoot(owner, 'team-sessions')
  // What has ended does not end again.
  await owner.getByLabel('Member', { exact: true }).selectOption({ label: 'Bulk0' })
  await expect(await endMenu(owner, 'End all matching sessions')).toBeEnabled()
  await owner.keyboard.press('Escape')
  await owner.getByLabel('Status', { exact: true }).selectOption('Ended')
  await expect(sessionsOf(owner)).toHaveCount(4)
  await expect(await endMenu(owner, 'End all matching sessions')).toBeDisabled()
})

test('members are searched for as fast as one types, removed in number, and leave', async ({ person }) => {
  const [owner, ...members] = [await person(), await person(), await person(), await person()]
  await signInAs(owner, 'Orla')
  for (const [i, page] of members.entries()) await signInAs(page, `Crew${i}`)
  const team = await newTeam(owner, 'Late shift', members)
  await owner.goto(`/teams/${team}/members`)
  const table = owner.getByRole('table', { name: 'Members' })
  await expect(table.getByRole('row')).toHaveCount(5)
  const search = owner.getByRole('searchbox', { name: 'Search members' })
  await search.pressSequentially('Crw1')
  await search.press('ArrowLeft')
  await search.press('ArrowLeft')
  await search.press('x')
  await search.press('e')
  await expect(search).toHaveValue('Crxew1')
  await expect(owner).toHaveURL(/\?search=Crxew1$/)
  await expect(owner.getByText('No members match.')).toBeVisible()
  await search.press('ArrowLeft')
  await search.press('Backspace')
  await expect(search).toHaveValue('Crew1')
  await expect(table.getByRole('row')).toHaveCount(2)
  await owner.reload()
  await expect(search).toHaveValue('Crew1')
  await search.fill('')
  await expect(table.getByRole('row')).toHaveCount(5)

  // A removal that fails midway goes on from there.
  for (const name of ['Crew0', 'Crew1']) await owner.getByRole('checkbox', { name: `Select ${name}` }).check()
  await owner.getByRole('button', { name: 'Remove selected' }).click()
  const dialog = owner.getByRole('dialog', { name: 'Remove these members?' })
  await expect(dialog).toContainText('API keys they created keep working')
  let removals = 0
  await owner.route('**/members/*', (route) =>
    route.request().method() === 'DELETE' && ++removals === 2
      ? route.fulfill({ status: 503, contentType: 'application/problem+json', json: { code: 'unavailable', status: 503 } })
      : route.fallback(),
  )
  await dialog.getByRole('button', { name: 'Remove 2 members' }).click()
  await expect(dialog.getByRole('alert')).toBeVisible()
  await dialog.getByRole('button', { name: 'Remove 2 members' }).click()
  await expect(dialog).toHaveCount(0)
  await expect(table.getByRole('row')).toHaveCount(3)
  await owner.unroute('**/members/*')

  // Also who is not on the first page of the members can leave.
  for (const page of [owner, members[2]!]) {
    await page.route('**/members?*', (route) => route.continue({ url: route.request().url().replace('limit=100', 'limit=1') }))
    await page.goto(`/teams/${team}/settings`)
    await expect(page.getByRole('button', { name: 'Leave team' })).toBeVisible()
  }
})

test('an admin sees which sessions stay, and why', async ({ person }) => {
  const [owner, admin] = [await person(), await person()]
  await signInAs(owner, 'Otto')
  await signInAs(admin, 'Adam')
  const team = await newTeam(owner, 'Skips', [admin])
  const { id } = (await (await admin.request.get('/v1/me')).json()) as { id: string }
  await admin.goto(`/teams/${team}`)
  await expect(admin.getByText('Only owners and admins of the team can see')).toBeVisible()
  await owner.request.patch(`/v1/teams/${team}/members/${id}`, { data: { role: 'admin' }, headers: { Origin: new URL(owner.url()).origin } })
  await openPage(admin, 'Sessions')
  await admin.getByLabel('Order').selectOption('newest')
  // Who looks at the page sees it, and hears of others from then on.
  await expect(admin.getByRole('status').getByText('Live')).toBeVisible()
  await post(owner, `/v1/teams/${team}/sessions`, {})
  await expect(sessionsOf(admin)).toHaveCount(2)
  await (await endMenu(admin, 'End sessions of all others')).click()
  await expect(admin.getByRole('dialog')).toContainText('No sessions would end.')
  await expect(admin.getByRole('dialog')).toContainText('1 session stays: only owners')
  await expect(admin.getByRole('dialog').getByRole('button', { name: /^End \d/ })).toHaveCount(0)
  await admin.keyboard.press('Escape')

  // From a page that somebody else has emptied the list goes back to one that is not.
  let expiring = false
  let expires = Infinity
  await admin.route(/\/sessions\?.*limit=/, async (route) => {
    const answer = await route.fetch({
      url: route
        .request()
        .url()
        .replace(/limit=\d+/, 'limit=1'),
    })
    const { data, ...page } = (await answer.json()) as { data: object[] }
    if (expiring) expires = Math.min(expires, Date.now() + 1_500)
    const rows = Date.now() < expires ? data.map((row) => ({ ...row, ...(expires < Infinity ? { idle_expires_at: new Date(expires) } : {}) })) : []
    await route.fulfill({ json: { ...page, data: rows } })
  })
  await post(admin, `/v1/teams/${team}/sessions`, {})
  await expect(sessionsOf(admin).last()).toContainText('Adam')
  await admin.getByRole('button', { name: 'Next page' }).click()
  await expect(sessionsOf(admin).last()).toContainText('Otto')
  const mine = (await (await owner.request.get(`/v1/session`)).json()) as { team_session: { id: string } }
  await owner.request.delete(`/v1/teams/${team}/sessions/${mine.team_session.id}`, { headers: { Origin: new URL(owner.url()).origin } })
  await expect(sessionsOf(admin).last()).toContainText('Adam')

  // One that expires by itself goes, though nothing announces it.
  expiring = true
  await post(owner, `/v1/teams/${team}/sessions`, {})
  await expect(admin.getByText('Nobody is active in this team right now')).toBeVisible()
})

test('a policy names whom it ends before it is saved, and then ends them in another browser', async ({ person }) => {
  const [owner, member] = [await person(), await person()]
  await signInWithNewWallet(owner)
  await signInAs(member, 'Petra')
  const team = await newTeam(owner, 'Strict', [member])
  await post(owner, `/v1/teams/${team}/sessions`, {})
  await post(member, `/v1/teams/${team}/sessions`, {})
  await member.goto(`/teams/${team}`)
  await expect(member.getByText('Active in this team', { exact: true })).toBeVisible()

  await owner.goto(`/teams/${team}/policy`)
  const preview = owner.getByRole('region', { name: 'Preview' })
  await expect(preview).toContainText('No changes.')
  await owner
    .getByRole('group', { name: /all of them/ })
    .getByRole('checkbox', { name: 'Ethereum wallet' })
    .check()
  await expect(preview).toContainText('1 of 2 sessions, 1 of 2 members')
  await expect(preview).toContainText('1 session would end:')
  await expect(preview).toContainText('Petra')
  await owner.getByRole('textbox', { name: 'Sign in again after' }).fill('soon')
  await expect(owner.getByText('Enter a number, such as 12 or 1.5')).toBeVisible()
  await expect(owner.getByRole('button', { name: 'Save policy' })).toBeDisabled()
  await owner.getByRole('textbox', { name: 'Sign in again after' }).fill('12')
  await shoot(owner, 'team-policy')
  await owner.getByRole('button', { name: 'Save policy' }).click()
  await owner.getByRole('dialog').getByRole('button', { name: 'Save, and end 1 session' }).click()
  await expect(owner.getByText('Policy saved')).toBeVisible()
  await openPage(owner, 'Sessions')
  await expect(sessionsOf(owner)).toHaveCount(2)
  await expect(sessionsOf(owner).filter({ hasText: 'Petra' })).toHaveCount(0)

  // The page that is refused from now on says why, and what leads in.
  await member.reload()
  await expect(member.getByRole('heading', { name: 'Strict' })).toBeVisible()
  await expect(member.getByRole('alert')).toContainText('Missing: Ethereum wallet.')
  await member.getByRole('link', { name: 'Add Ethereum wallet to your account' }).click()
  await member.getByRole('button', { name: 'Ethereum wallet', exact: true }).click()
  await member.getByRole('button', { name: 'Create test wallet' }).click()
  await member.getByRole('button', { name: 'Sign to link' }).click()
  await expect(member.getByText('Ethereum wallet added')).toBeVisible()
  await signOut(member)
  await signInAs(member, 'Petra')
  await member.goto(`/teams/${team}`)
  await member.getByRole('button', { name: 'Verify with Ethereum wallet' }).click()
  await expect(member.getByRole('dialog').getByRole('link')).toHaveCount(0)
  await member.getByRole('button', { name: /^Test wallet 1/ }).click()
  await member.getByRole('button', { name: 'Sign to confirm' }).click()
  await expect(member.getByRole('button', { name: 'Start team session' })).toBeVisible()

  // Somebody who has left keeps their name in the trail.
  await openPage(owner, 'Members')
  await owner.getByRole('button', { name: 'Remove Petra' }).click()
  await owner.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  await expect(owner.getByRole('table', { name: 'Members' })).not.toContainText('Petra')
  await openPage(owner, 'Audit log')
  const trail = owner.getByRole('table', { name: 'Audit log' })
  await expect(trail).toContainText('Team policy changed')
  await owner.getByLabel('Event', { exact: true }).selectOption({ label: 'Joined a team' })
  await expect(trail.getByRole('row').filter({ hasText: 'Joined a team' })).toHaveCount(1)
  await expect(trail.getByRole('row').filter({ hasText: 'Joined a team' })).toContainText('Petra')
  await expect(trail).not.toContainText('Team policy changed')
  await shoot(owner, 'team-audit')
  const [file] = await Promise.all([owner.waitForEvent('download'), owner.getByRole('link', { name: 'Export as NDJSON' }).click()])
  expect(file.suggestedFilename()).toBe('audit.ndjson')
})

test('an owner locked out by the policy comes back by the page, and opens the team again', async ({ person }) => {
  const [owner, member] = [await person(), await person()]
  await signInAs(owner, 'Ophelia')
  await signInAs(member, 'Milo')
  const team = await newTeam(owner, 'Locked', [member])
  await post(owner, `/v1/teams/${team}/sessions`, {})
  const refusing = (problem: object) => (route: Route) => route.fulfill({ contentType: 'application/problem+json', ...problem })
  await owner.route('**/v1/teams/*/policy', refusing({ status: 500, json: { code: 'internal' } }))
  await owner.goto(`/teams/${team}/policy`)
  const section = owner.getByRole('region', { name: 'Policy', exact: true })
  await expect(section.getByRole('button', { name: 'Try again' })).toBeVisible()
  await owner.unroute('**/v1/teams/*/policy')
  await tryAgain(section)
  const networks = owner.getByRole('textbox', { name: 'Allowed networks' })
  // What somebody else saves meanwhile takes nothing of what was typed.
  await networks.fill('127.0.0.0/33')
  await expect(owner.getByText('“127.0.0.0/33” is not an IP address or a range')).toBeVisible()
  await put(owner, `/v1/teams/${team}/policy`, { exclusive: true })
  await expect(owner.getByRole('alert')).toContainText('The policy has changed')
  await expect(networks).toHaveValue('127.0.0.0/33')
  await owner.getByRole('button', { name: 'Use their version' }).click()
  await expect(networks).toHaveValue('')
  await expect(owner.getByRole('switch', { name: 'One session per member' })).toBeChecked()
  // A field without changes follows.
  await put(owner, `/v1/teams/${team}/policy`, {})
  await expect(owner.getByRole('switch', { name: 'One session per member' })).not.toBeChecked()

  // A proof that the policy asks for takes nothing of it either.
  const preview = owner.getByRole('region', { name: 'Preview' })
  await owner.route('**/v1/teams/*/policy', refusing({ status: 403, json: { code: 'policy_unsatisfied', rule: 'require_fresh_for_admin' } }))
  await networks.fill('10.9.9.9/8')
  await expect(preview).toContainText('Changes to this team need a recent verification.')
  await preview.getByRole('button', { name: 'Verify it’s you' }).click()
  await owner.unroute('**/v1/teams/*/policy')
  await owner.getByRole('button', { name: 'Verify with Google' }).click()
  await beAtProvider(owner, { name: 'Ophelia', email: 'ophelia@gmail.com' })
  await expect(networks).toHaveValue('10.9.9.9/8')
  await expect(owner.getByText('Read as 10.0.0.0/8.')).toBeVisible()
  await expect(preview).toContainText('Your own session on this device is one of them.')
  await owner.getByRole('button', { name: 'Save policy' }).click()
  await expect(owner.getByRole('dialog')).toContainText('Your own session on this device is one of them.')
  await owner.getByRole('button', { name: 'Save, and end 1 session' }).click()
  for (const page of [owner, member]) {
    await page.goto(`/teams/${team}`)
    await expect(page.getByRole('alert')).toContainText('only be used from its own networks')
    await expect(page.getByRole('heading', { name: 'Locked' })).toBeVisible()
  }
  await expect(member.getByRole('button', { name: 'Emergency access' })).toHaveCount(0)

  await owner.getByRole('button', { name: 'Emergency access' }).click()
  await owner.getByRole('dialog').getByRole('button', { name: 'Emergency access' }).click()
  await expect(owner.getByText('Active in this team', { exact: true })).toBeVisible()
  await openPage(owner, 'Policy')
  await expect(networks).toHaveValue('10.0.0.0/8')
  await networks.fill('')
  await owner.getByRole('button', { name: 'Save policy' }).click()
  await owner.getByRole('dialog').getByRole('button', { name: 'Save policy' }).click()
  await expect(owner.getByText('Policy saved')).toBeVisible()
  await tryAgain(member)
  await expect(member.getByRole('button', { name: 'Start team session' })).toBeVisible()
})

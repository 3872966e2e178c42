import type { Page } from '@playwright/test'
import { beAtProvider, expect, newPerson, openPage, signInWithNewWallet, skipUnlessRunnable, test, whoAmI } from './fixtures'
import { startNames } from './names'
import { startService } from './service'
import { shoot } from './shoot'
import { post } from './teams'

skipUnlessRunnable()

async function signInAs(page: Page, provider: string, name: string, email: string): Promise<void> {
  await page.goto('/sign-in?return_to=/account')
  await page.getByRole('link', { name: `Continue with ${provider}` }).click()
  await beAtProvider(page, { name, email })
  await expect(page.getByRole('heading', { name: 'Your account' })).toBeVisible()
}

test('an operator finds a user, suspends them with a reason, and reactivates them', async ({ person, service }) => {
  const [operator, user] = [await person(), await person()]
  await signInAs(user, 'Google', 'Vera', 'vera@gmail.com')
  const { id } = await whoAmI(user)
  await signInAs(operator, 'Google', 'Ossi', 'ossi.op@gmail.com')
  await service.admin('grant', '--user', (await whoAmI(operator)).id)

  await operator.goto('/admin/users')
  const find = operator.getByRole('textbox', { name: /^Find by/ })
  await find.fill('vera.eth')
  await operator.getByRole('button', { name: 'Find' }).click()
  await expect(operator.getByText('ENS names are not available: this service has no Ethereum endpoint')).toBeVisible()
  await find.fill('v')
  await operator.getByRole('button', { name: 'Find' }).click()
  await expect(operator.getByText('Enter at least two characters.')).toBeVisible()
  await find.fill('ver')
  await operator.getByRole('button', { name: 'Find' }).click()
  await expect(operator.getByRole('table', { name: 'Users' }).getByRole('row')).toHaveCount(2)
  await find.fill('nobody@gmail.com')
  await operator.getByRole('button', { name: 'Find' }).click()
  await expect(operator.getByText('No users match.')).toBeVisible()
  await find.fill('vera@gmail.com')
  await find.press('Enter')
  await expect(operator.getByRole('table', { name: 'Users' }).getByRole('row')).toHaveCount(2)
  await operator.getByRole('link', { name: 'Open Vera' }).click()
  await expect(operator).toHaveURL(new RegExp(id))
  await expect(operator.getByRole('heading', { name: 'Vera' })).toBeVisible()
  await expect(operator.getByRole('table', { name: 'Sign-in methods' })).toContainText('Google')
  await expect(operator.getByRole('table', { name: 'Sessions' }).getByRole('row')).toHaveCount(2)
  await shoot(operator, 'admin-user')

  await operator.getByRole('button', { name: 'Suspend' }).click()
  const dialog = operator.getByRole('dialog', { name: 'Suspend this user?' })
  await dialog.getByLabel('Reason').fill('<b>stolen laptop</b>')
  // The reason comes back from a confirmation at a provider, and is not kept after.
  await operator.route('**/v1/admin/users/*', (route) =>
    route.request().method() === 'PATCH'
      ? route.fulfill({
          status: 403,
          contentType: 'application/problem+json',
          json: { type: 'about:blank', title: 't', status: 403, code: 'reauth_required', detail: 'd', request_id: 'r' },
        })
      : route.fallback(),
  )
  await dialog.getByRole('button', { name: 'Suspend user' }).click()
  const confirm = operator.getByRole('dialog', { name: 'Verify it’s you' })
  await expect(confirm).toContainText('this needs a recent verification')
  await confirm.getByRole('button', { name: 'Verify with Google' }).click()
  await beAtProvider(operator, { name: 'Ossi', email: 'ossi.op@gmail.com' })
  await expect(dialog.getByLabel('Reason')).toHaveValue('<b>stolen laptop</b>')
  expect(await operator.evaluate(() => JSON.stringify(sessionStorage))).not.toContain('stolen')
  await operator.unroute('**/v1/admin/users/*')
  await dialog.getByRole('button', { name: 'Suspend user' }).click()
  await expect(operator.getByText('Suspended', { exact: true })).toBeVisible()
  await expect(operator.getByText('No sessions match.')).toBeVisible()
  await expect(operator.getByRole('table', { name: 'History' })).toContainText('<b>stolen laptop</b>')
  await user.reload()
  await expect(user.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  await user.getByRole('link', { name: 'Continue with Google' }).click()
  await beAtProvider(user, { name: 'Vera', email: 'vera@gmail.com' })
  await expect(user.getByRole('alert')).toContainText('This account is suspended')

  await operator.getByRole('button', { name: 'Restore' }).click()
  await operator.getByRole('dialog').getByRole('button', { name: 'Restore user' }).click()
  await expect(operator.getByRole('button', { name: 'Suspend' })).toBeVisible()
  await signInAs(user, 'Google', 'Vera', 'vera@gmail.com')
})

test('an operator merges two users after seeing what moves, and finds them by the former id', async ({ person, service }) => {
  const [operator, one, other] = [await person(), await person(), await person()]
  await signInAs(one, 'Google', 'Odile', 'odile@gmail.com')
  await signInAs(other, 'GitHub', 'Odile H', 'odile.h@example.com')
  const [first, second] = [await whoAmI(one), await whoAmI(other)]
  await signInWithNewWallet(operator)
  await service.admin('grant', '--user', (await whoAmI(operator)).id)

  await operator.goto(`/admin?user=${first.id}`)
  await operator.getByLabel('ID of the other user').fill('Odile')
  await operator.getByRole('button', { name: 'Preview' }).click()
  await expect(operator.getByText('That is not a valid ID.')).toBeVisible()
  await operator.getByLabel('ID of the other user').fill(second.id)
  await operator.getByRole('button', { name: 'Preview' }).click()
  const dialog = operator.getByRole('dialog', { name: 'Merge these two users?' })
  await expect(dialog).toContainText('What moves')
  // Each value is below the account that has it, whichever stays.
  const values = dialog.getByRole('radiogroup', { name: 'Name', exact: true }).getByRole('radio')
  for (const stays of [second, first]) {
    const account = dialog.getByRole('radio', { name: stays.id.slice(-12) })
    await account.click()
    await expect(account).toBeChecked()
    await expect(values.first()).toHaveAccessibleName(/^Odile(?! H)/)
    await expect(values.last()).toHaveAccessibleName(/^Odile H/)
  }
  await expect(dialog).toContainText('GitHub')
  await shoot(operator, 'admin-merge')
  await dialog.getByRole('button', { name: 'Merge accounts' }).click()
  await expect(dialog).toHaveCount(0)
  await expect(operator.getByRole('table', { name: 'Sign-in methods' }).getByRole('row')).toHaveCount(3)
  const merges = operator.getByRole('table', { name: 'Merges' })
  await expect(merges.getByRole('row')).toHaveCount(2)
  await expect(merges.getByRole('link', { name: 'Open Odile H', exact: true })).toBeVisible()

  await operator.goto('/admin/users')
  await operator.getByRole('textbox', { name: /^Find by/ }).fill(second.id)
  await operator.getByRole('button', { name: 'Find' }).click()
  await expect(operator.getByText(`You asked for ${second.id}`)).toBeVisible()

  await operator.getByRole('button', { name: 'Undo the merge of Odile H' }).click()
  await operator.getByRole('dialog').getByRole('button', { name: 'Undo' }).click()
  await expect(operator.getByText('Undone', { exact: true })).toBeVisible()
})

test('every view of the operator’s page works, and fits a phone', async ({ person, service }) => {
  const operator = await person()
  await signInWithNewWallet(operator)
  await service.admin('grant', '--user', (await whoAmI(operator)).id)
  await operator.goto('/admin/users')
  await shoot(operator, 'admin-users')
  for (const [tab, there] of [
    ['Duplicates', 'No duplicates.'],
    ['Sessions', '(this device)'],
    ['Merges', 'newest'],
    ['Hooks', 'Not configured'],
    ['Audit log', 'Account created'],
    ['API keys', 'Days until it expires'],
    ['Health', 'The service is ready'],
  ] as const) {
    await openPage(operator, tab)
    await expect(operator.getByRole('main')).toContainText(new RegExp(there.replaceAll(/[()]/g, '\\$&'), 'i'))
    await shoot(operator, `admin-${tab.toLowerCase().replace(' ', '-')}`)
  }

  // What was chosen for one application is not kept for the next.
  await openPage(operator, 'Applications')
  const boxes = [operator.getByRole('checkbox', { name: /^Public/ }), operator.getByRole('checkbox', { name: /^Skip the consent page/ })]
  await operator.getByRole('textbox', { name: 'Name', exact: true }).fill('Wiki')
  await operator.getByRole('textbox', { name: 'Redirect URIs', exact: true }).fill('https://wiki.example.com/callback')
  for (const box of boxes) await box.check()
  await operator.getByRole('button', { name: 'Create application' }).click()
  await expect(operator.getByRole('table', { name: 'Applications' })).toContainText('Wiki')
  for (const box of boxes) await expect(box).not.toBeChecked()

  await openPage(operator, 'API keys')
  await operator.getByLabel('Name', { exact: true }).fill('billing')
  await operator.getByRole('button', { name: 'Create key' }).click()
  await expect(operator.getByText('Copy this key now')).toBeVisible()
  await expect(operator.locator('pre')).toContainText(/^lk_/)
  await operator.getByRole('button', { name: 'I’ve saved this key' }).click()
  await expect(operator.locator('pre')).toHaveCount(0)
  await expect(operator.getByRole('heading', { name: 'API keys' })).toBeFocused()
  await operator.getByRole('button', { name: 'End billing' }).click()
  await operator.getByRole('dialog').getByRole('button', { name: 'End key' }).click()
  await expect(operator.getByRole('table', { name: 'API keys' })).toContainText('Ended')

  // A key that vouches for people can take their sessions with it; others have none.
  await post(operator, '/v1/admin/api-keys', { name: 'legacy', scopes: ['proofs:write'], proves: 'backend:legacy' })
  await operator.reload()
  await operator.getByRole('button', { name: 'End legacy' }).click()
  await operator.getByRole('dialog').getByLabel('Also sign out the people it vouched for').check()
  const ending = operator.waitForRequest((request) => request.method() === 'DELETE' && request.url().endsWith('?end_sessions=true'))
  await operator.getByRole('dialog').getByRole('button', { name: 'End key' }).click()
  await ending
  await expect(operator.getByRole('button', { name: 'End legacy' })).toHaveCount(0)
})

test('an operator finds a user by an ENS name, and sees when no endpoint can be asked', async ({ browser }) => {
  const names = await startNames()
  const service = await startService({ LATCHKEY_ETHEREUM_RPC: `1=${names.url}` })
  const [operator, user] = [await newPerson(browser, service.url), await newPerson(browser, service.url)]
  await signInWithNewWallet(user)
  const { id } = await whoAmI(user)
  const { data } = (await (await user.request.get('/v1/me/identities')).json()) as { data: { wallet: { address: string } }[] }
  names.own('vera.eth', data[0]!.wallet.address)
  names.own('stranger.eth', '0x00000000000000000000000000000000000000ab')
  await signInWithNewWallet(operator)
  await service.admin('grant', '--user', (await whoAmI(operator)).id)

  await operator.goto('/admin/users')
  const find = operator.getByRole('textbox', { name: /^Find by part/ })
  const ask = async (name: string) => {
    await find.fill(name)
    await find.press('Enter')
  }
  const found = operator.getByRole('table', { name: 'Users' }).getByRole('row')
  await ask('Vera.eth')
  await expect(found).toHaveCount(2)
  await expect(found.nth(1)).toContainText(id.slice(-12))
  for (const nobody of ['stranger.eth', 'nobody.eth']) {
    await ask(nobody)
    await expect(operator.getByText('No user has the wallet of this name.')).toBeVisible()
  }
  await operator.goBack()
  await operator.goBack()
  await expect(find).toHaveValue('Vera.eth')
  await expect(found).toHaveCount(2)
  await ask('véra.eth')
  await expect(operator.getByText('Only ENS names of plain letters')).toBeVisible()
  await ask('ve_ra.eth')
  await expect(operator.getByRole('alert')).toContainText('only ASCII ENS names can be looked up')
  names.answers = false
  await ask('other.eth')
  await expect(operator.getByRole('alert')).toContainText('No Ethereum endpoint of this service answers')
  await expect(found).toHaveCount(0)
  await shoot(operator, 'admin-name-unavailable')
  names.answers = true
  names.own('other.eth', data[0]!.wallet.address)
  await operator.getByRole('button', { name: 'Try again' }).click()
  await expect(found).toHaveCount(2)
  await Promise.all([operator.context().close(), user.context().close()])
  await service.stop()
  await names.stop()
})

test('an operator sees the teams of a user, and opens those that they are in', async ({ person, service }) => {
  const [operator, user] = [await person(), await person()]
  await signInAs(user, 'Google', 'Tilda', 'tilda@gmail.com')
  await signInAs(operator, 'Google', 'Otto', 'otto.op@gmail.com')
  await service.admin('grant', '--user', (await whoAmI(operator)).id)
  const origin = { headers: { origin: service.url } }
  const theirs = (await (await user.request.post('/v1/teams', { ...origin, data: { name: '<b>Looms</b>' } })).json()) as { id: string }
  const own = (await (await operator.request.post('/v1/teams', { ...origin, data: { name: 'Operations' } })).json()) as { id: string }
  const invited = await operator.request.post(`/v1/teams/${own.id}/invitations`, { ...origin, data: { email: 'tilda@gmail.com', role: 'admin' } })
  const { id } = (await invited.json()) as { id: string }
  expect((await user.request.post(`/v1/me/invitations/${id}/accept`, origin)).status()).toBe(200)

  await operator.goto(`/admin?user=${(await whoAmI(user)).id}`)
  const addresses = operator.getByRole('table', { name: 'Email addresses' })
  await expect(addresses.getByRole('row')).toHaveCount(2)
  await expect(addresses.getByRole('row').nth(1)).toContainText('tilda@gmail.com')
  const teams = operator.getByRole('table', { name: 'Teams' })
  await expect(teams.getByRole('row')).toHaveCount(3)
  await expect(teams.getByRole('row').nth(1)).toContainText('<b>Looms</b>')
  await expect(teams.getByRole('row').nth(1)).toContainText('owner')
  await expect(teams.getByRole('link', { name: 'Operations', exact: true })).toBeVisible()
  await expect(teams.getByRole('link', { name: '<b>Looms</b>', exact: true })).toHaveCount(0)
  await shoot(operator, 'admin-user-teams')
  await operator.getByRole('link', { name: 'Audit log of <b>Looms</b>' }).click()
  await expect(operator.getByLabel('Team (ID)')).toHaveValue(theirs.id)
  const trail = operator.getByRole('table', { name: 'Audit log' })
  await expect(trail).toContainText('Team created')
  await expect(trail.getByRole('row')).toHaveCount(2)
  await operator.goBack()
  await teams.getByRole('link', { name: 'Operations', exact: true }).click()
  await expect(operator.getByRole('heading', { name: 'Operations' })).toBeVisible()

  // What cannot be read yet is not taken for no filter.
  await operator.goto('/admin?view=audit&team=xyz')
  await expect(operator.getByText('That is not a valid ID.')).toBeVisible()
  await expect(operator.getByText('Correct the filters')).toBeVisible()
  await expect(trail).toHaveCount(0)
  const file = operator.getByRole('link', { name: 'Export as NDJSON' })
  await expect(file).toBeDisabled()
  await operator.getByLabel('Team (ID)').fill(theirs.id)
  await expect(trail.getByRole('row')).toHaveCount(2)
  await expect(file).toHaveAttribute('href', `/v1/admin/audit/export?team_id=${theirs.id}`)
  await operator.getByLabel('Subject (ID)').fill('018f')
  await expect(trail).toHaveCount(0)
  expect(await file.getAttribute('href')).toBeNull()
})

test('duplicates of an import are looked at, merged many at a time and one by one', async ({ browser }) => {
  const service = await startService()
  const [operator, luna] = [await newPerson(browser, service.url), await newPerson(browser, service.url)]
  await signInWithNewWallet(operator)
  await service.admin('grant', '--user', (await whoAmI(operator)).id)
  await operator.goto('/admin?view=duplicates')
  await expect(operator.getByText('No duplicates.')).toBeVisible()
  // One is here already and signed in; the import has her as an older account, by
  // another sign-in method.
  await signInAs(luna, 'Google', 'Luna', 'luna@gmail.com')
  const before = await whoAmI(luna)
  await service.import(
    [
      'id,email,email_verified,name,image,created_at,provider,subject',
      '1,LUNA@gmail.com,true,Luna M,,2024-01-05T10:00:00Z,github,4711',
      '2,theo@example.com,true,Theo,,2024-02-05T10:00:00Z,google,104711',
      '3,theo@example.com,true,<i>Theo K</i>,,2024-03-05T10:00:00Z,github,4712',
      '4,kim@example.com,true,Kim,,2024-02-06T10:00:00Z,google,104712',
      '5,kim@example.com,false,Kim L,,2024-03-06T10:00:00Z,github,4713',
      // Three of one person. The oldest has no picture, which the second brings.
      '6,zoe@example.com,true,Zoe 1,,2024-01-07T10:00:00Z,github,4714',
      '7,zoe@example.com,true,Zoe 2,https://pictures.example/2,2024-02-07T10:00:00Z,github,4715',
      '8,zoe@example.com,true,Zoe 3,,2024-03-07T10:00:00Z,github,4716',
      '',
    ].join('\n'),
  )
  await operator.reload()
  const table = operator.getByRole('table', { name: 'Duplicates' })
  const row = (name: string) => table.getByRole('row').filter({ hasText: name })
  await expect(table.getByRole('row')).toHaveCount(7)
  await expect(row('Luna M')).toContainText('Same address, spelled differently')
  await expect(row('Theo K')).toContainText('Same verified address')
  await expect(row('Kim L')).toContainText('one shows an address that the other has verified')
  await shoot(operator, 'admin-duplicates-found')

  await operator.getByRole('button', { name: /^Preview the merge of Luna M/ }).click()
  const one = operator.getByRole('dialog', { name: 'Merge these two users?' })
  await expect(one.getByRole('radio', { name: /^Luna M / }).first()).toBeChecked()
  await expect(one).toContainText('1 session of the other account ends')
  await operator.keyboard.press('Escape')

  for (const box of await operator.getByRole('checkbox', { name: /^Select (Luna|Theo|Zoe)/ }).all()) await box.check()
  await operator.getByRole('button', { name: 'Merge selected' }).click()
  const dialog = operator.getByRole('dialog', { name: 'Merge the selected pairs?' })
  await expect(dialog).toContainText('4 accounts are merged into older ones')
  await expect(dialog).toContainText('Luna is merged into Luna M')
  await expect(dialog).toContainText('<i>Theo K</i> is merged into Theo')
  for (const young of ['Zoe 2', 'Zoe 3']) await expect(dialog).toContainText(`${young} is merged into Zoe 1`)
  await expect(dialog.getByRole('listitem')).toHaveCount(4)
  await expect(dialog).toContainText('Sign-in methods that move: 4. Memberships that move: 0. Sessions that end: 1.')
  await shoot(operator, 'admin-duplicates-bulk')
  await dialog.getByRole('button', { name: 'Merge 4 accounts' }).click()
  await expect(operator.getByText('4 accounts merged')).toBeVisible()
  await expect(operator.getByText('not merged')).toHaveCount(0)
  await expect(table.getByRole('row')).toHaveCount(2)

  // Their session ended; the sign-in method that they know leads to the account that stayed.
  await luna.reload()
  await expect(luna.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  await signInAs(luna, 'Google', 'Luna', 'luna@gmail.com')
  const after = await whoAmI(luna)
  expect(after.id).not.toBe(before.id)
  expect(after.display_name).toBe('Luna M')

  await operator.getByRole('button', { name: /^Preview the merge of Kim/ }).click()
  await operator.getByRole('dialog', { name: 'Merge these two users?' }).getByRole('button', { name: 'Merge accounts' }).click()
  await expect(operator.getByText('1 account merged')).toBeVisible()
  await expect(operator.getByText('No duplicates.')).toBeVisible()
  await openPage(operator, 'Merges')
  await expect(operator.getByRole('table', { name: 'Merges' }).getByRole('row')).toHaveCount(6)
  await Promise.all([operator.context().close(), luna.context().close()])
  await service.stop()
})

import type { Page } from '@playwright/test'
import { accessible } from './axe'
import { beAtProvider, expect, fits, signInWithNewWallet, skipUnlessRunnable, test, whoAmI } from './fixtures'

skipUnlessRunnable()

async function signInAs(page: Page, provider: string, name: string, email: string): Promise<void> {
  await page.goto('/sign-in?return_to=/account')
  await page.getByRole('link', { name: `Continue with ${provider}` }).click()
  await beAtProvider(page, { name, email })
  await expect(page.getByRole('heading', { name: 'Your account' })).toBeVisible()
}

async function shoot(page: Page, name: string): Promise<void> {
  for (const [size, width] of Object.entries({ phone: 390, desk: 1280 })) {
    await page.setViewportSize({ width, height: 800 })
    await fits(page)
    await page.screenshot({ path: `e2e/screenshots/admin-${name}-${size}.png`, fullPage: true })
  }
  await accessible(page)
}

test('an operator finds a user, suspends him with a reason, and lets him in again', async ({ person, service }) => {
  const [operator, user] = [await person(), await person()]
  await signInAs(user, 'Google', 'Vera', 'vera@gmail.com')
  const { id } = await whoAmI(user)
  await signInWithNewWallet(operator)
  await service.admin('grant', '--user', (await whoAmI(operator)).id)

  await operator.goto('/admin')
  const find = operator.getByRole('textbox', { name: /^Find by/ })
  await find.fill('vera.eth')
  await operator.getByRole('button', { name: 'Find' }).click()
  await expect(operator.getByText('ENS names and parts of names are not looked up here')).toBeVisible()
  await find.fill('nobody@gmail.com')
  await operator.getByRole('button', { name: 'Find' }).click()
  await expect(operator.getByText('Nobody has that verified address or wallet.')).toBeVisible()
  await find.fill('vera@gmail.com')
  await find.press('Enter')
  await expect(operator.getByRole('table', { name: 'Users' }).getByRole('row')).toHaveCount(2)
  await operator.getByRole('link', { name: 'Open Vera' }).click()
  await expect(operator).toHaveURL(new RegExp(id))
  await expect(operator.getByRole('heading', { name: 'Vera' })).toBeVisible()
  await expect(operator.getByRole('table', { name: 'Ways in' })).toContainText('Google')
  await expect(operator.getByRole('table', { name: 'Sessions' }).getByRole('row')).toHaveCount(2)
  await shoot(operator, 'user')

  await operator.getByRole('button', { name: 'Suspend' }).click()
  const dialog = operator.getByRole('dialog', { name: 'Suspend this user?' })
  await dialog.getByLabel('Reason').fill('<b>stolen laptop</b>')
  await dialog.getByRole('button', { name: 'Suspend user' }).click()
  await expect(operator.getByText('suspended', { exact: true })).toBeVisible()
  await expect(operator.getByText('No session fits.')).toBeVisible()
  await expect(operator.getByRole('table', { name: 'History' })).toContainText('<b>stolen laptop</b>')
  await user.reload()
  await expect(user.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  await user.getByRole('link', { name: 'Continue with Google' }).click()
  await beAtProvider(user, { name: 'Vera', email: 'vera@gmail.com' })
  await expect(user.getByRole('alert')).toContainText('This account is disabled')

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
  await operator.getByLabel('Id of the other user').fill('Odile')
  await operator.getByRole('button', { name: 'Preview' }).click()
  await expect(operator.getByText('That is not an id.')).toBeVisible()
  await operator.getByLabel('Id of the other user').fill(second.id)
  await operator.getByRole('button', { name: 'Preview' }).click()
  const dialog = operator.getByRole('dialog', { name: 'Merge these two users?' })
  await expect(dialog).toContainText('What moves')
  await dialog.getByRole('radio', { name: 'Odile', exact: true }).first().click()
  await expect(dialog).toContainText('GitHub')
  await shoot(operator, 'merge')
  await dialog.getByRole('button', { name: 'Merge them' }).click()
  await expect(dialog).toHaveCount(0)
  await expect(operator.getByRole('table', { name: 'Ways in' }).getByRole('row')).toHaveCount(3)
  await expect(operator.getByRole('table', { name: 'Merges' }).getByRole('row')).toHaveCount(2)

  await operator.goto('/admin')
  await operator.getByRole('textbox', { name: /^Find by/ }).fill(second.id)
  await operator.getByRole('button', { name: 'Find' }).click()
  await expect(operator.getByText(`You asked for ${second.id}`)).toBeVisible()

  await operator.getByRole('button', { name: /^Take back the merge/ }).click()
  await operator.getByRole('dialog').getByRole('button', { name: 'Take back' }).click()
  await expect(operator.getByText('taken back', { exact: true })).toBeVisible()
})

test('every view of the operator’s page works, and fits a phone', async ({ person, service }) => {
  test.setTimeout(240_000)
  const operator = await person()
  await signInWithNewWallet(operator)
  await service.admin('grant', '--user', (await whoAmI(operator)).id)
  await operator.goto('/admin')
  await shoot(operator, 'users')
  for (const [tab, there] of [
    ['Duplicates', 'No candidates.'],
    ['Sessions', '(this browser)'],
    ['Merges', 'newest'],
    ['Audit', 'Account made'],
    ['API keys', 'Days until it expires'],
    ['Health', 'The service can answer requests'],
  ] as const) {
    await operator.getByRole('tab', { name: tab }).click()
    await expect(operator.getByRole('tabpanel')).toContainText(new RegExp(there.replaceAll(/[()]/g, '\\$&'), 'i'))
    await shoot(operator, tab.toLowerCase().replace(' ', '-'))
  }

  await operator.getByRole('tab', { name: 'API keys' }).click()
  await operator.getByLabel('Name', { exact: true }).fill('billing')
  await operator.getByRole('button', { name: 'Make a key' }).click()
  await expect(operator.getByText('Keep this key now')).toBeVisible()
  await expect(operator.locator('pre')).toContainText(/^lk_/)
  await operator.getByRole('button', { name: 'I have kept it' }).click()
  await expect(operator.locator('pre')).toHaveCount(0)
  await operator.getByRole('button', { name: 'End billing' }).click()
  await operator.getByRole('dialog').getByRole('button', { name: 'End the key' }).click()
  await expect(operator.getByRole('table', { name: 'API keys' })).toContainText('ended')

  await operator.emulateMedia({ colorScheme: 'dark' })
  await operator.getByRole('tab', { name: 'Sessions' }).click()
  await shoot(operator, 'sessions-dark')
})

test('duplicates are merged many at a time, after the numbers were named', async ({ person, service }) => {
  const operator = await person()
  // Candidates come by an import only; here the list is made of people who came
  // by themselves, and all that follows is the service's.
  const users: { id: string; display_name: string; primary_email: string | null }[] = []
  for (const [name, email] of [
    ['Luna', 'lu.na@gmail.com'],
    ['Luna M', 'luna@gmail.com'],
    ['Theo', 'the.o@gmail.com'],
    ['Theo K', 'theo@gmail.com'],
  ] as const) {
    const page = await person()
    await signInAs(page, 'Google', name, email)
    users.push({ ...(await whoAmI(page)), primary_email: email })
  }
  const summary = ({ id, display_name, primary_email }: (typeof users)[number]) => ({ id, display_name, primary_email })
  const pairs = [users.slice(0, 2), users.slice(2)].map((pair) => ({ users: pair.map(summary), reason: 'the same mailbox', kind: 'spelling' }))
  await operator.route('**/v1/admin/duplicates?*', async (route) => {
    const left = []
    for (const pair of pairs) {
      const now = (await (await operator.request.get(`/v1/admin/users/${pair.users[1]!.id}`)).json()) as { id: string }
      if (now.id === pair.users[1]!.id) left.push(pair)
    }
    await route.fulfill({ json: { data: left, next_cursor: null } })
  })
  await signInWithNewWallet(operator)
  await service.admin('grant', '--user', (await whoAmI(operator)).id)
  await operator.goto('/admin?view=duplicates')
  const table = operator.getByRole('table', { name: 'Duplicates' })
  await expect(table.getByRole('row')).toHaveCount(3)
  await expect(table).toContainText('the same address, spelt another way')
  await operator.getByRole('button', { name: /^Preview the merge of Luna/ }).click()
  await expect(operator.getByRole('dialog', { name: 'Merge these two users?' })).toContainText('What moves')
  await operator.keyboard.press('Escape')
  await operator.getByLabel('Select all on this page').check()
  await operator.getByRole('button', { name: 'Merge selected' }).click()
  const dialog = operator.getByRole('dialog', { name: 'Merge the selected pairs?' })
  await expect(dialog).toContainText('2 pairs become one account each')
  await expect(dialog).toContainText('2 ways in and 0 memberships move, and 2 sessions end')
  await dialog.getByRole('button', { name: 'Merge 2 pairs' }).click()
  await expect(operator.getByText('2 pairs merged')).toBeVisible()
  await expect(operator.getByText('No candidates.')).toBeVisible()
})

import type { Locator, Page } from '@playwright/test'
import { beAtProvider, expect, openPage, signInWithNewWallet, signOut, skipUnlessRunnable, test, whoAmI } from './fixtures'
import { letterTo } from './mail'
import { shoot } from './shoot'
import { post } from './teams'

skipUnlessRunnable()

const section = (page: Page, name: string) => page.getByRole('region', { name, exact: true })

async function signInAtGoogle(page: Page, who: { name: string; email: string }): Promise<void> {
  await page.goto('/sign-in')
  await page.getByRole('link', { name: 'Continue with Google' }).click()
  await beAtProvider(page, who)
  await expect(page.getByRole('heading', { name: 'Your account', level: 1 })).toBeVisible()
}

// addByMail answers the letter whose code it used; `not` is one used before.
async function addByMail(page: Page, address: string, not = ''): Promise<string> {
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Email address').fill(address)
  await dialog.getByRole('button', { name: 'Email me a sign-in link' }).click()
  await expect(dialog.getByLabel('6-digit code')).toBeFocused()
  const letter = await letterTo(page, address, 'email_token=', not)
  await dialog.getByLabel('6-digit code').fill(/\b\d{6}\b/.exec(letter)![0])
  await dialog.getByRole('button', { name: 'Add with the code' }).click()
  await expect(dialog).toHaveCount(0)
  return letter
}

test('two accounts of one person are merged, and the merge is undone', async ({ person }) => {
  const page = await person()
  await signInWithNewWallet(page)
  const wallet = await whoAmI(page)
  await page.goto('/account/profile')
  await page.getByLabel('Name', { exact: true }).fill('Old Ida')
  await page.getByRole('button', { name: 'Save profile' }).click()
  await expect(page.getByText('Saved.')).toBeVisible()
  await post(page, '/v1/teams', { name: 'Night shift' })
  await signOut(page)

  await signInAtGoogle(page, { name: 'Ida', email: 'ida@gmail.com' })
  const google = await whoAmI(page)
  await page.getByRole('button', { name: 'Ethereum wallet', exact: true }).click()
  await page.getByRole('button', { name: /^Test wallet 1/ }).click()
  await page.getByRole('button', { name: 'Sign to link' }).click()

  const merge = section(page, 'Merge accounts?')
  await expect(merge.getByRole('radio', { name: 'Old Ida' }).first()).toBeChecked()
  await expect(merge.getByText('Google (Ida)')).toBeVisible()
  // What they differ in is below the account that it is from: the one in hand first.
  for (const group of ['Which account do you want to keep?', 'Name'])
    await expect(merge.getByRole('radiogroup', { name: group }).getByRole('radio').first()).toHaveAccessibleName(/^Ida/)
  await shoot(page, 'account-merge')
  // A reload loses nothing.
  await page.reload()
  await expect(merge.getByRole('radio', { name: 'Old Ida' }).first()).toBeChecked()
  // The other way round, what the wallet's account has is a gain, and shown.
  await merge.getByRole('radio', { name: 'Ida ida@gmail.com' }).click()
  await expect(merge.getByText('Join the team Night shift as owner')).toBeVisible()
  const names = merge.getByRole('radiogroup', { name: 'Name' })
  await expect(names.getByRole('radio', { name: 'Ida', exact: true })).toBeChecked()
  await names.getByRole('radio', { name: 'Old Ida' }).click()
  await expect(names.getByRole('radio', { name: 'Old Ida' })).toBeChecked()
  await merge.getByRole('button', { name: 'Merge accounts' }).click()

  await expect(page.getByRole('table', { name: 'Sign-in methods' }).getByRole('row')).toHaveCount(3)
  expect(await whoAmI(page)).toMatchObject({ id: google.id, display_name: 'Old Ida' })
  await openPage(page, 'Security history')
  const merged = page.getByRole('table', { name: 'Merged accounts' })
  await expect(merged.getByText('Old Ida')).toBeVisible()
  await expect(page.getByText('You can undo this for 30 more days.')).toBeVisible()
  await shoot(page, 'account-merged')

  await merged.getByRole('button', { name: 'Undo' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Undo' }).click()
  await expect(merged.getByText('Undone')).toBeVisible()
  expect(await whoAmI(page)).toMatchObject({ id: google.id, display_name: 'Ida' })
  await expect(section(page, 'Security history').getByText('Merge undone')).toBeVisible()
  await openPage(page, 'Sign-in methods')
  await expect(page.getByRole('table', { name: 'Sign-in methods' }).getByRole('row')).toHaveCount(2)
  expect(wallet.id).not.toBe(google.id)
})

test('a refusal at a provider brings its merge along, and leaves no ticket in the address', async ({ person }) => {
  const page = await person()
  await signInAtGoogle(page, { name: 'Jo', email: 'jo@gmail.com' })
  await signOut(page)
  await signInWithNewWallet(page)
  await page.goto('/account')
  await page.getByRole('button', { name: 'Google', exact: true }).click()
  await beAtProvider(page, { name: 'Jo', email: 'jo@gmail.com' })
  const merge = section(page, 'Merge accounts?')
  await expect(merge.getByRole('radio', { name: 'Jo' }).first()).toBeVisible()
  expect(page.url()).toMatch(/\/account\/merge$/)
  await merge.getByRole('button', { name: 'Keep separate' }).click()
  await page.reload()
  await expect(page.getByRole('table', { name: 'Sign-in methods' }).getByRole('row')).toHaveCount(2)
  await expect(merge).toHaveCount(0)
})

test('a merge is kept over a trip to a provider, and not for another person', async ({ person }) => {
  const page = await person()
  const signInAtGitHub = async () => {
    await page.goto('/sign-in')
    await page.getByRole('link', { name: 'Continue with GitHub' }).click()
    await beAtProvider(page, { name: 'Same', email: 'same@work.example' })
    await expect(page.getByRole('heading', { name: 'Your account', level: 1 })).toBeVisible()
  }
  await signInAtGitHub()
  await signOut(page)
  await signInAtGoogle(page, { name: 'Same', email: 'same@gmail.com' })
  await page.getByRole('button', { name: 'GitHub', exact: true }).click()
  await beAtProvider(page, { name: 'Same', email: 'same@work.example' })

  // People of one name can be distinguished.
  const merge = section(page, 'Merge accounts?')
  const stays = merge.getByRole('radiogroup', { name: 'Which account do you want to keep?' }).getByRole('radio')
  await expect(stays.first()).toHaveAccessibleName('Same same@gmail.com signed in now')
  await expect(stays.last()).toHaveAccessibleName('Same same@work.example other account')
  const address = merge.getByRole('radiogroup', { name: 'Primary email' })
  await expect(address).toContainText('of Same (other account)')
  await stays.first().click()
  await expect(stays.first()).toBeChecked()
  const other = address.getByRole('radio', { name: 'same@work.example' })
  await other.click()
  await expect(other).toBeChecked()

  await page.route('**/v1/me/merges/*/confirm', (route) =>
    route.fulfill({
      status: 403,
      contentType: 'application/problem+json',
      json: { type: 'about:blank', title: 't', status: 403, code: 'reauth_required', detail: 'd', request_id: 'r' },
    }),
  )
  const confirm = merge.getByRole('button', { name: 'Merge accounts' })
  await confirm.click()
  await page.getByRole('button', { name: 'Verify with Google' }).click()
  await page.unroute('**/v1/me/merges/*/confirm')
  await beAtProvider(page, { name: 'Same', email: 'same@gmail.com' })
  await expect(confirm).toBeFocused()
  await expect(stays.first()).toBeChecked()
  await expect(other).toBeChecked()

  // The next person in this tab sees nothing of it.
  await signOut(page)
  await signInAtGitHub()
  await expect(page.getByRole('table', { name: 'Sign-in methods' }).getByRole('row')).toHaveCount(2)
  await expect(merge).toHaveCount(0)

  await page.getByRole('button', { name: 'Google', exact: true }).click()
  await beAtProvider(page, { name: 'Same', email: 'same@gmail.com' })
  await confirm.click()
  await expect(page.getByRole('status').filter({ hasText: 'Accounts merged' })).toBeVisible()
  // Nor is it why a later session ended.
  await page.request.delete('/v1/session', { headers: { Origin: new URL(page.url()).origin } })
  await page.evaluate(() => dispatchEvent(new Event('focus')))
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  await expect(page.getByText('Accounts merged')).toHaveCount(0)
})

test('a profile is saved for the person it is of, and for no one who signed in meanwhile', async ({ person }) => {
  const page = await person()
  await signInAtGoogle(page, { name: 'Xena', email: 'xena@gmail.com' })
  await openPage(page, 'Profile')
  const name = page.getByLabel('Name', { exact: true })
  await name.fill('Xena W')
  const window = await page.context().newPage()
  await signInAtGoogle(window, { name: 'Yuri', email: 'yuri@gmail.com' })
  await page.getByRole('button', { name: 'Save profile' }).click()
  await expect(page.getByRole('alert')).toContainText('Someone else is signed in now')
  await expect(name).toHaveValue('Yuri')
  expect((await whoAmI(page)).display_name).toBe('Yuri')

  // A window that is looked at again shows who is signed in.
  await signInAtGoogle(window, { name: 'Xena', email: 'xena@gmail.com' })
  await page.evaluate(() => dispatchEvent(new Event('focus')))
  await expect(name).toHaveValue('Xena')
  await openPage(page, 'Sign-in methods')
  await expect(page.getByRole('table', { name: 'Sign-in methods' })).toContainText('xena@gmail.com')
})

test('an undo that ends the session it was asked in says that it was done', async ({ person }) => {
  const page = await person()
  await signInAtGoogle(page, { name: 'Rex', email: 'rex@gmail.com' })
  await signOut(page)
  await signInWithNewWallet(page)
  await page.goto('/account')
  await page.getByRole('button', { name: 'Google', exact: true }).click()
  await beAtProvider(page, { name: 'Rex', email: 'rex@gmail.com' })
  await expect(page.getByRole('button', { name: 'Merge accounts' })).toBeVisible()
  const tab = await page.context().newPage()
  await tab.goto('/account')
  await tab.getByRole('button', { name: 'Google', exact: true }).click()
  await beAtProvider(tab, { name: 'Rex', email: 'rex@gmail.com' })
  await expect(tab.getByRole('button', { name: 'Merge accounts' })).toBeVisible()
  const asked: string[] = []
  page.on('request', (request) => request.method() === 'POST' && asked.push(new URL(request.url()).pathname))
  await page.getByRole('button', { name: 'Merge accounts' }).click()
  await expect(page.getByRole('status').filter({ hasText: 'Accounts merged' })).toBeVisible()
  await openPage(page, 'Security history')
  await expect(page.getByRole('table', { name: 'Merged accounts' })).toBeVisible()
  expect(asked.filter((path) => path === '/v1/me/merges')).toEqual([])
  // The other tab shows that, and not that it took too long.
  await tab.getByRole('button', { name: 'Merge accounts' }).click()
  await expect(tab.getByRole('status').filter({ hasText: 'Accounts merged' })).toBeVisible()
  await expect(tab.getByRole('button', { name: 'Merge accounts' })).toHaveCount(0)
  await expect(tab.getByRole('alert')).toHaveCount(0)
  await tab.close()
  await page.getByRole('button', { name: 'Undo' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Undo' }).click()
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible()
  await expect(page.getByRole('status').filter({ hasText: 'Merge undone' })).toBeVisible()
  await page.reload()
  await expect(page.getByRole('link', { name: 'Continue with Google' })).toBeVisible()
  await expect(page.getByText('Merge undone')).toHaveCount(0)
})

test('the only sign-in method cannot be removed and says why; of two, one can', async ({ person }) => {
  const page = await person()
  await signInWithNewWallet(page)
  await page.goto('/account')
  const ways = page.getByRole('table', { name: 'Sign-in methods' })
  await expect(ways.getByText('This is your only sign-in method.')).toBeVisible()
  await expect(ways.getByRole('button', { name: /^Remove/ })).toHaveCount(0)
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await ways.getByRole('button', { name: /^Copy the address/ }).click()
  const wallet = await page.evaluate(() => navigator.clipboard.readText())
  expect(wallet).toMatch(/^0x[0-9a-fA-F]{40}$/)
  await expect(ways.getByTitle(wallet)).toBeVisible()
  await page.getByRole('button', { name: 'Google', exact: true }).click()
  await beAtProvider(page, { name: 'Kim', email: 'kim@gmail.com' })
  await expect(page.getByText('Google added')).toBeVisible()
  await expect(ways.getByRole('button', { name: /^Remove/ })).toHaveCount(2)
  await expect(ways.getByText('This is your only sign-in method.')).toHaveCount(0)

  await ways.getByRole('button', { name: /^Rename Ethereum wallet/ }).click()
  await page.getByRole('dialog').getByLabel('Name').fill('Hardware')
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await expect(ways.getByText('Hardware')).toBeVisible()

  // The service has the last word, as when another tab was faster. The question
  // stays for it: nothing else shows it.
  let answer = () => {}
  const answered = new Promise<void>((resolve) => (answer = resolve))
  await page.route('**/v1/me/identities/*', async (route) => {
    await answered
    await route.fulfill({
      status: 409,
      contentType: 'application/problem+json',
      json: { type: 'about:blank', title: 't', status: 409, code: 'last_identity', detail: 'd', request_id: 'r' },
    })
  })
  await ways.getByRole('button', { name: 'Remove Google (Kim)' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  await expect(page.getByRole('dialog').getByRole('button', { name: 'Cancel' })).toBeDisabled()
  await page.keyboard.press('Escape')
  answer()
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('Add another one before')
  await page.unroute('**/v1/me/identities/*')
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  await expect(ways.getByRole('row')).toHaveCount(2)
  await expect(ways.getByText('This is your only sign-in method.')).toBeVisible()
  await expect(page.getByText('Google added')).toHaveCount(0)
})

test('who confirms at a provider carries on where they left off', async ({ person }) => {
  const page = await person()
  await signInAtGoogle(page, { name: 'Lou', email: 'lou@gmail.com' })
  await page.getByRole('button', { name: 'GitHub', exact: true }).click()
  await beAtProvider(page, { name: 'lou', email: 'lou@work.example' })
  await expect(page.getByText('GitHub added')).toBeVisible()
  await page.route('**/v1/me/identities/*', (route) =>
    route.fulfill({
      status: 403,
      contentType: 'application/problem+json',
      json: { type: 'about:blank', title: 't', status: 403, code: 'reauth_required', detail: 'd', request_id: 'r' },
    }),
  )
  await page.getByRole('button', { name: /^Remove GitHub/ }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  const confirm = page.getByRole('dialog', { name: 'Verify it’s you' })
  await expect(confirm).toBeVisible()
  await shoot(page, 'step-up')
  await page.unroute('**/v1/me/identities/*')
  await confirm.getByRole('button', { name: 'Verify with Google' }).click()
  await beAtProvider(page, { name: 'Lou', email: 'lou@gmail.com' })
  // The question is where it was, for the same sign-in method.
  await expect(page.getByRole('dialog')).toContainText('GitHub')
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
  await expect(page.getByRole('table', { name: 'Sign-in methods' }).getByRole('row')).toHaveCount(2)

  // Somebody else's proof confirms nothing, and says so.
  await page.goto('/account')
  await page.route('**/v1/me/recovery-codes', (route) =>
    route.request().method() === 'POST'
      ? route.fulfill({
          status: 403,
          contentType: 'application/problem+json',
          json: { type: 'about:blank', title: 't', status: 403, code: 'reauth_required', detail: 'd', request_id: 'r' },
        })
      : route.continue(),
  )
  await page.getByRole('button', { name: 'Create recovery codes' }).click()
  await confirm.getByRole('button', { name: 'Verify with Google' }).click()
  await beAtProvider(page, { name: 'Mallory', email: 'mallory@gmail.com' })
  await expect(confirm.getByRole('alert')).toContainText('That sign-in method is not yours')

  // The person's own makes the codes they had asked for, and asks nothing more.
  await confirm.getByRole('button', { name: 'Close' }).click()
  await page.getByRole('button', { name: 'Create recovery codes' }).click()
  await confirm.getByRole('button', { name: 'Verify with Google' }).click()
  await page.unroute('**/v1/me/recovery-codes')
  await beAtProvider(page, { name: 'Lou', email: 'lou@gmail.com' })
  const codes = page.getByRole('dialog', { name: 'Your recovery codes' })
  await expect(codes.getByRole('listitem')).toHaveCount(10)
  await expect(page.getByText('10 codes left')).toBeVisible()
  await expect(page.getByRole('dialog')).toHaveCount(1)
  await codes.getByRole('button', { name: 'I’ve saved these codes' }).click()
  await expect(page.getByRole('dialog')).toHaveCount(0)
})

test('recovery codes are shown once, and one of them leads to a new sign-in method', async ({ person }) => {
  const page = await person()
  await signInWithNewWallet(page)
  const me = await whoAmI(page)
  await page.goto('/account')
  await page.getByRole('button', { name: 'Create recovery codes' }).click()
  const dialog = page.getByRole('dialog', { name: 'Your recovery codes' })
  await expect(dialog.getByRole('listitem')).toHaveCount(10)
  await shoot(page, 'recovery-codes')
  const code = await dialog.getByRole('listitem').first().innerText()
  const download = page.waitForEvent('download')
  await dialog.getByRole('button', { name: 'Download' }).click()
  expect((await download).suggestedFilename()).toBe('recovery-codes.txt')
  // A slip of the finger does not lose them.
  await page.keyboard.press('Escape')
  await expect(dialog).toBeVisible()
  await dialog.getByRole('button', { name: 'I’ve saved these codes' }).click()
  await expect(page.getByText('10 codes left')).toBeVisible()
  await signOut(page)

  await page.goto('/sign-in')
  await page.getByRole('button', { name: 'Use a recovery code' }).click()
  await page.getByLabel('Recovery code').fill('aaaa-bbbb-cccc-dddd')
  await page.getByRole('button', { name: 'Sign in with the code' }).click()
  await expect(page.getByRole('alert')).toContainText('That code does not work')
  await page.getByLabel('Recovery code').fill(code.toLowerCase())
  await page.getByRole('button', { name: 'Sign in with the code' }).click()
  await expect(page.getByText('You signed in with a recovery code.')).toBeVisible()
  await expect(page.getByRole('link', { name: 'Devices' })).toHaveCount(0)
  // The first page offers what can be done, and none of what is refused.
  await page.goto('/')
  await expect(page.getByText('Signed in as')).toBeVisible()
  await expect(page.getByRole('alert')).toHaveCount(1)
  await expect(page.getByRole('button', { name: 'Create team' })).toHaveCount(0)
  await page.getByRole('link', { name: 'Add method' }).click()
  await expect(page.getByRole('group', { name: 'Add a sign-in method' })).toBeFocused()
  await page.getByRole('button', { name: 'Email link', exact: true }).click()
  await addByMail(page, 'nia@work.example')
  await expect(page.getByText('Email link added')).toBeVisible()
  await expect(page.getByRole('link', { name: 'Devices' })).toBeVisible()
  expect((await whoAmI(page)).id).toBe(me.id)
  await expect(page.getByText('9 codes left')).toBeVisible()
})

test('an address is added by mail and made the primary one', async ({ person }) => {
  const page = await person()
  await signInAtGoogle(page, { name: 'Ole', email: 'ole@gmail.com' })
  await openPage(page, 'Emails')
  await page.getByRole('button', { name: 'Add email address' }).click()
  const letter = await addByMail(page, 'ole@work.example')
  await expect(page.getByText('Address added', { exact: true })).toBeVisible()
  // Somebody faster than the list sees the same.
  let list = () => {}
  const asked = new Promise<void>((resolve) => (list = resolve))
  await page.route('**/v1/me/emails', async (route) => {
    await asked
    await route.continue()
  })
  await page.reload()
  await page.getByRole('button', { name: 'Add email address' }).click()
  await expect(page.getByRole('dialog')).toBeVisible()
  const listed = page.waitForResponse('**/v1/me/emails')
  list()
  await listed
  await page.unroute('**/v1/me/emails')
  await addByMail(page, 'ole@work.example', letter)
  await expect(page.getByText('You already had this address')).toBeVisible()
  const addresses = page.getByRole('table', { name: 'Email addresses' })
  await expect(addresses.getByRole('row')).toHaveCount(3)
  await page.getByRole('button', { name: 'Make ole@work.example primary' }).click()
  await expect(page.getByRole('button', { name: 'Make ole@gmail.com primary' })).toBeVisible()
  await shoot(page, 'account-full')

  // An address that a provider shows without having verified it is suggested.
  await openPage(page, 'Sign-in methods')
  await page.getByRole('button', { name: 'Google', exact: true }).click()
  await page.getByLabel('Google has verified this address').uncheck()
  await beAtProvider(page, { name: 'Ole', email: 'ole@play.example' })
  const checkUp = section(page, 'Security check-up')
  await expect(checkUp).toContainText('1 email address to confirm')
  await checkUp.getByRole('link', { name: 'Confirm' }).click()
  await expect(addresses.getByRole('row')).toHaveCount(3)
  await page.getByRole('button', { name: 'Confirm ole@play.example by email' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByLabel('Email address')).toHaveValue('ole@play.example')
  await addByMail(page, 'ole@play.example')
  await expect(page.getByText('Address added', { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'Add email address' }).click()
  await expect(dialog.getByLabel('Email address')).toHaveValue('')
})

test('the page speaks German to who asks for it, and remembers', async ({ person }) => {
  const page = await person()
  await signInWithNewWallet(page)
  await page.goto('/account/devices')
  await page.getByLabel('Language').selectOption('de')
  await expect(page.getByRole('heading', { name: 'Ihr Konto', level: 1 })).toBeVisible()
  await expect(page.locator('html')).toHaveAttribute('lang', 'de')
  await page.reload()
  await expect(page.getByRole('link', { name: 'Sicherheitsverlauf' })).toBeVisible()
  const time = page.getByRole('region', { name: 'Geräte' }).locator('time').first()
  await expect(time).toHaveAttribute('title', /Uhr|MEZ|MESZ|GMT/)
  await shoot(page, 'account-german')
})

test('sign-in methods and devices are managed by keyboard alone', async ({ person }) => {
  const page = await person()
  await signInAtGoogle(page, { name: 'Pat', email: 'pat@gmail.com' })
  const other = await page
    .context()
    .browser()!
    .newContext({ baseURL: new URL(page.url()).origin })
  await signInAtGoogle(await other.newPage(), { name: 'Pat', email: 'pat@gmail.com' })
  await other.close()
  await page.reload()
  const tabTo = async (button: Locator) => {
    await expect(button).toBeVisible()
    for (let i = 0; i < 60 && !(await button.evaluate((element) => element === document.activeElement)); i++) await page.keyboard.press('Tab')
    await expect(button).toBeFocused()
  }
  const rename = page.getByRole('button', { name: /^Rename Google/ })
  await tabTo(rename)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog').getByLabel('Name')).toBeFocused()
  // Nothing behind the dialog is reached, and away from it is back where one was.
  for (let i = 0; i < 8; i++) {
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.closest('[role=dialog]') !== null)).toBe(true)
  }
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await expect(rename).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog').getByLabel('Name')).toBeFocused()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.type('At work')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('table', { name: 'Sign-in methods' }).getByText('At work')).toBeVisible()

  await tabTo(page.getByRole('link', { name: 'Devices', exact: true }))
  await page.keyboard.press('Enter')
  await tabTo(page.getByRole('region', { name: 'Devices' }).getByRole('button', { name: /^Sign out (?!other)/ }))
  await page.keyboard.press('Enter')
  await tabTo(page.getByRole('dialog').getByRole('button', { name: 'Sign out device' }))
  await page.keyboard.press('Enter')
  await expect(page.getByRole('region', { name: 'Devices' }).getByRole('listitem')).toHaveCount(1)
})

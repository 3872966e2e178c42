import type { Route } from '@playwright/test'
import { accessible } from './axe'
import { beAtProvider, expect, openPage, skipUnlessRunnable, test, tryAgain } from './fixtures'
import { letterTo } from './mail'
import { shoot } from './shoot'
import { newTeam, post, signInAs } from './teams'

skipUnlessRunnable()

test('a person who is invited by e-mail opens the mail, signs in by it and accepts', async ({ person }) => {
  const [owner, invited] = [await person(), await person()]
  await signInAs(owner, 'Ines')
  const team = await newTeam(owner, 'Lamps https://evil.example', [])
  await owner.goto(`/teams/${team}/invitations`)
  await expect(owner.getByText('Email addresses get an invitation by email.')).toBeVisible()
  await owner.getByLabel('Email or wallet address').fill('ivo@example.com')
  await owner.getByRole('button', { name: 'Invite', exact: true }).click()
  await expect(owner.getByText('We sent an email')).toBeVisible()
  await expect(owner.getByRole('table', { name: 'Open invitations' })).toContainText('ivo@example.com')

  const letter = await letterTo(invited, 'ivo@example.com', 'You are invited')
  expect(letter).toContain('Lamps https evil example')
  const [link, ...others] = letter.match(/https?:\/\/\S+/g)!
  expect(others).toEqual([])
  await invited.goto(link!)
  await invited.getByLabel('Email address').fill('ivo@example.com')
  await invited.getByRole('button', { name: 'Email me a sign-in link' }).click()
  const code = /\b\d{6}\b/.exec(await letterTo(invited, 'ivo@example.com', 'email_token='))![0]
  await invited.getByLabel('6-digit code').fill(code)
  await invited.getByRole('button', { name: 'Sign in with the code' }).click()
  await invited.getByRole('button', { name: /^Accept the invitation to Lamps/ }).click()
  await expect(invited.getByText('Active in this team', { exact: true })).toBeVisible()
  await expect(owner.getByText('No open invitations.')).toBeVisible()
  await openPage(owner, 'Members')
  await expect(owner.getByRole('table', { name: 'Members' })).toContainText('ivo@example.com')

  // A person without the address reads why there is nothing to accept.
  const other = await person()
  await signInAs(other, 'Otis')
  await other.goto(link!)
  await expect(other.getByText('No open invitation for this account')).toBeVisible()
  await accessible(other)
})

test('a key of the team is made, works, and is refused once it is ended', async ({ person, playwright, service }) => {
  const [owner, member] = [await person(), await person()]
  await signInAs(owner, 'Kira')
  await signInAs(member, 'Milo')
  const team = await newTeam(owner, 'Robots', [member])
  await owner.goto(`/teams/${team}/api-keys`)
  const panel = owner.getByRole('region', { name: 'API keys' })
  await expect(panel.getByText('No API keys yet.')).toBeVisible()
  await panel.getByLabel('Name', { exact: true }).fill('night watch')
  await panel.getByLabel(/^admin/).check()
  await panel.getByRole('button', { name: 'Create key' }).click()
  await expect(panel.getByText('Copy this key now')).toBeVisible()
  await owner.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await panel.getByRole('button', { name: 'Copy key' }).click()
  await expect(panel.getByRole('button', { name: 'Copied' })).toBeVisible()
  const secret = await owner.evaluate(() => navigator.clipboard.readText())
  expect(secret).toMatch(/^lk_/)
  await shoot(owner, 'team-keys')

  const machine = await playwright.request.newContext({ baseURL: service.url, extraHTTPHeaders: { Authorization: `Bearer ${secret}` } })
  const { id } = await post(member, `/v1/teams/${team}/sessions`, {})
  expect((await machine.delete(`/v1/teams/${team}/sessions/${id!}`)).status()).toBe(204)
  await panel.getByRole('button', { name: 'I’ve saved this key' }).click()
  await owner.reload()
  const row = panel.getByRole('row').filter({ hasText: 'night watch' })
  await expect(row).toContainText('view and end sessions')
  await expect(row).toContainText('Kira')
  await expect(row).toContainText('Active')
  expect(await owner.content()).not.toContain(secret)

  await panel.getByRole('button', { name: 'End night watch' }).click()
  await expect(owner.getByRole('dialog')).toContainText('Requests with night watch are refused immediately.')
  await owner.getByRole('dialog').getByRole('button', { name: 'End key' }).click()
  await expect(row).toContainText('Ended')
  await expect(panel.getByRole('button', { name: 'End night watch' })).toHaveCount(0)
  expect((await machine.get(`/v1/teams/${team}/sessions`)).status()).toBe(401)
  await machine.dispose()

  await openPage(owner, 'Audit log')
  const ended = owner.getByRole('table', { name: 'Audit log' }).getByRole('row').filter({ hasText: 'API key “night watch”' })
  await expect(ended).toHaveCount(1)
  await expect(ended).toContainText('Milo')
  const made = owner.getByRole('table', { name: 'Audit log' }).getByRole('row').filter({ hasText: 'API key created' })
  await made.locator('summary').click()
  await expect(made).toContainText('begins with')
  await expect(made.locator('details time')).toHaveAttribute('title', /\d\d:\d\d:\d\d CES?T/)
})

test('a team goes to another owner in one step, and the keys of the former one end', async ({ person, playwright, service }) => {
  const [owner, heir] = [await person(), await person()]
  await signInAs(owner, 'Olga')
  await signInAs(heir, 'Hugo')
  const team = await newTeam(owner, 'Estate', [heir])
  const { secret } = await post(owner, `/v1/teams/${team}/api-keys`, { name: 'night watch', role: 'member' })
  await owner.route('**/v1/teams/*/transfer', (route) =>
    route.fulfill({
      status: 403,
      contentType: 'application/problem+json',
      json: { type: 'about:blank', title: 't', status: 403, code: 'reauth_required', detail: 'd', request_id: 'r' },
    }),
  )
  await owner.goto(`/teams/${team}/settings`)
  await owner.getByRole('combobox', { name: 'New owner' }).click()
  await owner.getByRole('option', { name: 'Hugo' }).click()
  await owner.getByRole('button', { name: 'Transfer ownership' }).click()
  const dialog = owner.getByRole('dialog', { name: 'Transfer this team?' })
  await dialog.getByRole('checkbox', { name: 'Also end the 1 API key you created' }).check()
  await dialog.getByRole('button', { name: 'Transfer ownership' }).click()

  // What was chosen is still chosen after a proof at a provider.
  await owner.unroute('**/v1/teams/*/transfer')
  await owner.getByRole('button', { name: 'Verify with Google' }).click()
  await beAtProvider(owner, { name: 'Olga', email: 'olga@gmail.com' })
  await expect(dialog).toContainText('Hugo becomes the owner of Estate')
  await expect(dialog.getByRole('checkbox')).toBeChecked()
  await dialog.getByRole('button', { name: 'Transfer ownership' }).click()
  await expect(owner.getByLabel('Your role: admin')).toBeVisible()
  await expect(owner.getByRole('button', { name: 'Transfer ownership' })).toHaveCount(0)
  const machine = await playwright.request.newContext({ baseURL: service.url, extraHTTPHeaders: { Authorization: `Bearer ${secret!}` } })
  expect((await machine.get(`/v1/teams/${team}`)).status()).toBe(401)
  await machine.dispose()
})

test('keys are shown to who may see them, and a list that cannot be read says so', async ({ person }) => {
  const [owner, member] = [await person(), await person()]
  await signInAs(owner, 'Karl')
  await signInAs(member, 'Mila')
  const team = await newTeam(owner, 'Closed', [member])
  await member.goto(`/teams/${team}/members`)
  await expect(member.getByRole('table', { name: 'Members' })).toContainText('Mila')
  await expect(member.getByRole('link', { name: 'API keys' })).toHaveCount(0)

  await owner.route('**/api-keys?*', (route) => route.fulfill({ status: 503, json: { code: 'unavailable', status: 503 } }))
  await owner.goto(`/teams/${team}/api-keys`)
  const panel = owner.getByRole('region', { name: 'API keys' })
  await expect(panel.getByRole('alert')).toBeVisible()
  await owner.unroute('**/api-keys?*')
  await tryAgain(panel)
  await expect(panel.getByText('No API keys yet.')).toBeVisible()
})

// held answers a call only when the test says so, with a refusal.
function held(code: string) {
  let refuse!: () => void
  const said = new Promise<void>((resolve) => (refuse = resolve))
  return {
    refuse,
    answer: async (route: Route) => {
      if (!['PATCH', 'DELETE'].includes(route.request().method())) return route.fallback()
      await said
      return route.fulfill({ status: 409, contentType: 'application/problem+json', json: { type: 'about:blank', title: '', status: 409, code, detail: '', request_id: 'x' } })
    },
  }
}

test('a role and a withdrawal show at once, and go back when the service refuses', async ({ person }) => {
  const [owner, member] = [await person(), await person()]
  await signInAs(owner, 'Rosa')
  await signInAs(member, 'Rolf')
  const team = await newTeam(owner, 'Quick', [member])
  await owner.goto(`/teams/${team}/members`)

  const role = owner.getByRole('combobox', { name: 'Role of Rolf' })
  const choose = async (to: string) => {
    await role.click()
    await owner.getByRole('listbox').getByRole('option', { name: to, exact: true }).click()
  }
  const change = held('last_owner')
  await owner.route('**/members/*', change.answer)
  await choose('admin')
  await expect(role).toHaveValue('admin')
  await expect(owner.getByRole('alert')).toHaveCount(0)
  change.refuse()
  await expect(owner.getByRole('alert', { name: 'A team needs an owner' })).toBeVisible()
  await expect(role).toHaveValue('member')
  await owner.unroute('**/members/*')
  await choose('admin')
  await expect(owner.getByRole('alert')).toHaveCount(0)
  await expect.poll(async () => JSON.stringify(await (await owner.request.get(`/v1/teams/${team}/members`)).json())).toContain('"role":"admin"')
  await expect(role).toHaveValue('admin')

  // Passing by the roles changes none, and what one cannot undo is asked about first.
  const changes: string[] = []
  owner.on('request', (request) => request.method() === 'PATCH' && changes.push(request.url()))
  const own = owner.getByRole('combobox', { name: 'Role of Rosa' })
  for (const [field, key, question] of [
    [role, 'ArrowUp', 'Make this member an owner?'],
    [own, 'ArrowDown', 'Lower your own role?'],
  ] as const) {
    await field.focus()
    const value = await field.inputValue()
    // The list opens at the role there is by one press, and another moves in it.
    const marked = owner.getByRole('listbox').locator('[data-combobox-selected]')
    const pass = async () => {
      await field.press(key)
      await expect(marked).toHaveText(value)
      await field.press(key)
      await expect(marked).not.toHaveText(value)
    }
    await pass()
    await field.press('Escape')
    await expect(owner.getByRole('listbox')).toHaveCount(0)
    await expect(field).toHaveValue(value)
    await pass()
    await field.press('Enter')
    const asked = owner.getByRole('dialog', { name: question })
    await expect(asked).toBeVisible()
    await asked.getByRole('button', { name: 'Cancel' }).click()
    await expect(asked).toHaveCount(0)
    await expect(field).toHaveValue(value)
  }
  expect(changes).toEqual([])
  await choose('owner')
  await owner.getByRole('dialog').getByRole('button', { name: 'Make owner' }).click()
  await expect(role).toHaveValue('owner')
  await expect(owner.getByRole('dialog')).toHaveCount(0)
  await expect.poll(async () => JSON.stringify(await (await owner.request.get(`/v1/teams/${team}/members`)).json())).not.toContain('"role":"admin"')

  await openPage(owner, 'Invitations')
  await owner.getByLabel('Email or wallet address').fill('rita@example.com')
  await owner.getByRole('button', { name: 'Invite', exact: true }).click()
  const row = owner.getByRole('table', { name: 'Open invitations' }).getByRole('row').filter({ hasText: 'rita@example.com' })
  const takeBack = held('invitation_closed')
  await owner.route('**/invitations/*', takeBack.answer)
  const withdraw = async () => {
    await owner.getByRole('button', { name: 'Cancel the invitation for rita@example.com' }).click()
    await owner.getByRole('dialog').getByRole('button', { name: 'Cancel invitation' }).click()
  }
  await withdraw()
  await expect(row).toHaveCount(0)
  await expect(owner.getByRole('dialog')).toHaveCount(0)
  await expect(owner.getByRole('heading', { name: 'Invitations' })).toBeFocused()
  takeBack.refuse()
  await expect(row).toBeVisible()
  await expect(owner.getByRole('alert')).toBeVisible()
  await owner.unroute('**/invitations/*')
  await withdraw()
  await expect(owner.getByText('No open invitations.')).toBeVisible()
})

import type { Member, Role } from '../../api/types'

// The contract's rule: admins act on admins and members; only owners make and
// unmake owners. The service holds it; here it only hides what it would refuse.
export function mayActOn(mine: Role, theirs: Role): boolean {
  return mine === 'owner' || (mine === 'admin' && theirs !== 'owner')
}

export function assignable(mine: Role): Role[] {
  return mine === 'owner' ? ['owner', 'admin', 'member'] : ['admin', 'member']
}

const ranks: Role[] = ['member', 'admin', 'owner']

// lowers reports whether a change of role takes rights away.
export function lowers(before: Role, after: Role): boolean {
  return ranks.indexOf(after) < ranks.indexOf(before)
}

// roleQuestion returns what to confirm before a role changes: a person who adds an
// owner, or lowers their own role, cannot undo that alone. Changes of others between
// admin and member need no confirmation.
export function roleQuestion(before: Role, after: Role, self: boolean): 'Self' | 'Owner' | 'Unmade' | undefined {
  if (self) return 'Self'
  if (after === 'owner') return 'Owner'
  return before === 'owner' ? 'Unmade' : undefined
}

// findMembers finds members by a part of what they are called or their address.
export function findMembers(members: Member[], typed: string, role: Role | undefined, nameOf: (member: Member) => string): Member[] {
  const text = typed.trim().toLowerCase()
  return members.filter(
    (member) =>
      (role === undefined || member.role === role) &&
      [nameOf(member), member.user.primary_email ?? '', member.user.primary_wallet ?? ''].some((shown) => shown.toLowerCase().includes(text)),
  )
}

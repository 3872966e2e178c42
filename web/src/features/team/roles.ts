import type { Role } from '../../api/types'

// The contract's rule: admins act on admins and members; only owners make and
// unmake owners. The service holds it; here it only hides what it would refuse.
export function mayActOn(mine: Role, theirs: Role): boolean {
  return mine === 'owner' || (mine === 'admin' && theirs !== 'owner')
}

export function assignable(mine: Role): Role[] {
  return mine === 'owner' ? ['owner', 'admin', 'member'] : ['admin', 'member']
}

// roleQuestion tells what to ask before a role changes: whoever makes an owner, or
// lowers himself, cannot take that back alone. Between admin and member of others
// nothing is asked.
export function roleQuestion(before: Role, after: Role, self: boolean): 'Self' | 'Owner' | 'Unmade' | undefined {
  if (self) return 'Self'
  if (after === 'owner') return 'Owner'
  return before === 'owner' ? 'Unmade' : undefined
}

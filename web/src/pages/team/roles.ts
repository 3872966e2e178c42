import type { Role } from '../../api/types'

// The contract's rule: admins act on admins and members; only owners make and
// unmake owners. The service holds it; here it only hides what it would refuse.
export function mayActOn(mine: Role, theirs: Role): boolean {
  return mine === 'owner' || (mine === 'admin' && theirs !== 'owner')
}

export function assignable(mine: Role): Role[] {
  return mine === 'owner' ? ['owner', 'admin', 'member'] : ['admin', 'member']
}

const colors: Record<string, string> = { active: 'teal', refused: 'orange', expired: 'gray', revoked: 'red', disabled: 'red', merged: 'gray' }

// statusColor repeats in colour what the word beside it says.
export function statusColor(status: string): string {
  return colors[status] ?? 'gray'
}

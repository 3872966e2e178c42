import { getAccessToken } from '@/auth'

// What the API answers to the person, whose token says who they are.
export async function me(): Promise<{ id: string; team: string; role: string }> {
  const answer = await fetch(`${process.env.NOTES_URL}/api/me`, { headers: { authorization: `Bearer ${await getAccessToken()}` } })
  if (!answer.ok) throw new Error(`the API answered ${answer.status}`)
  return answer.json()
}

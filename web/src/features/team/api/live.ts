import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { refreshTeam } from '../../../api/queries'

// How long to wait before a stream that was refused is asked for again.
const againAfter = 5_000

// useTeamEvents keeps what is shown of a team as it is now: whenever something
// changes that the reader may hear of, all of it is asked for again. The stream is
// open only while the page can be seen, for a browser has few connections to one
// service. It reports whether changes are heard now.
export function useTeamEvents(team: string): boolean {
  const client = useQueryClient()
  const [live, setLive] = useState(false)
  useEffect(() => {
    let source: EventSource | undefined
    let retry: ReturnType<typeof setTimeout> | undefined
    const look = () => refreshTeam(client, team)
    const close = () => {
      clearTimeout(retry)
      source?.close()
      source = undefined
      setLive(false)
    }
    const open = () => {
      close()
      source = new EventSource(`/v1/teams/${encodeURIComponent(team)}/events`)
      source.addEventListener('open', () => setLive(true))
      source.addEventListener('changed', () => void look())
      source.addEventListener('error', () => {
        setLive(false)
        // What is asked for now is refused with the reason, where there is one.
        void look()
        // A lost connection the browser makes again by itself, a refused one not.
        if (source?.readyState === EventSource.CLOSED) retry = setTimeout(open, againAfter)
      })
    }
    const follow = () => (document.visibilityState === 'visible' ? open() : close())
    follow()
    document.addEventListener('visibilitychange', follow)
    return () => {
      document.removeEventListener('visibilitychange', follow)
      close()
    }
  }, [client, team])
  return live
}

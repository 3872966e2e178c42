import '@mantine/core/styles.css'
import './app.css'
import { MantineProvider } from '@mantine/core'
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { BrowserRouter } from 'react-router'
import { isProblem } from './api/problem'
import { keys } from './api/queries'
import { App } from './app'
import { startArrival } from './auth/arrival'
import { brand } from './brand'
import { keepFocus } from './components/keep-focus'
import { startLanguage } from './i18n/language'
import { makeTheme } from './theme'

const client: QueryClient = new QueryClient({
  defaultOptions: {
    // A change fails offline, with an explanation. Queued until there is a connection,
    // it would be an endless wait and then an unexpected change.
    mutations: { networkMode: 'always' },
    queries: {
      networkMode: 'always',
      refetchOnReconnect: true,
      staleTime: 10_000,
      // A refusal does not change by asking again; a lost connection may.
      retry: (count, error) => count < 2 && isProblem(error) && (error.status === 0 || error.status >= 502),
    },
  },
  // A session ended elsewhere shows on the next call, whatever it is for.
  queryCache: new QueryCache({ onError: (error, query) => query.queryKey !== keys.session && askSession(error) }),
  mutationCache: new MutationCache({ onError: askSession }),
})

// The service says who is signed in: a refusal alone may be of a session that
// another one has taken the place of meanwhile.
function askSession(error: unknown) {
  if (isProblem(error, 'unauthenticated')) void client.refetchQueries({ queryKey: keys.session }, { cancelRefetch: false })
}

// In another window somebody else may have signed in; windows side by side are
// visible all the time, so that this one hears of it only by its focus.
addEventListener('focus', () => void client.invalidateQueries({ queryKey: keys.session }))

startArrival()
keepFocus()
await startLanguage()

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={makeTheme(brand.color)} defaultColorScheme="auto">
      <QueryClientProvider client={client}>
        <BrowserRouter>
          <App />
        </BrowserRouter>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)

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
import { startLanguage } from './i18n/language'
import { makeTheme } from './theme'

const client: QueryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // A refusal does not change by asking again; a lost connection may.
      retry: (count, error) => count < 2 && isProblem(error) && (error.status === 0 || error.status >= 502),
    },
  },
  // A session ended elsewhere shows on the next call, whatever it is for.
  queryCache: new QueryCache({ onError: (error, query) => query.queryKey !== keys.session && forgetSession(error) }),
  mutationCache: new MutationCache({ onError: forgetSession }),
})

function forgetSession(error: unknown) {
  if (isProblem(error, 'unauthenticated')) client.setQueryData(keys.session, null)
}

startArrival()
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

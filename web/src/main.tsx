import '@mantine/core/styles.css'
import './app.css'
import { MantineProvider } from '@mantine/core'
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
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
  queryCache: new QueryCache({
    // A session ended elsewhere shows on the next call of any list.
    onError: (error, query) => {
      if (isProblem(error, 'unauthenticated') && query.queryKey !== keys.session) client.setQueryData(keys.session, null)
    },
  }),
})

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

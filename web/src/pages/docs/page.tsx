import 'swagger-ui-dist/swagger-ui.css'
import { Anchor, Stack, Text, Title, useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef } from 'react'
import SwaggerUI from 'swagger-ui-dist/swagger-ui-es-bundle.js'
import './docs.css'
import { PageTitle } from '../../components/page-title'
import { useT } from '../../i18n/language'
import '../../i18n/en/later/step-up'

// DocsPage renders the contract that this very service serves. The library comes
// with the app, so the page works without the internet and under its policy.
export default function DocsPage() {
  const t = useT()
  const place = useRef<HTMLDivElement>(null)
  const dark = useComputedColorScheme('light') === 'dark'
  useEffect(() => {
    if (!place.current) return
    const element = place.current
    SwaggerUI({ url: '/openapi.yaml', domNode: element, deepLinking: false, docExpansion: 'list', defaultModelsExpandDepth: 0 })
    return () => element.replaceChildren()
  }, [])
  // The library's own dark style hangs on the root element.
  useEffect(() => {
    document.documentElement.classList.toggle('dark-mode', dark)
    return () => document.documentElement.classList.remove('dark-mode')
  }, [dark])
  return (
    <Stack>
      <PageTitle>{t('docs.title')}</PageTitle>
      <Title order={1}>{t('docs.title')}</Title>
      <Text>
        {t.rich('docs.from', {
          file: (
            <Anchor key="file" href="/openapi.yaml" underline="always">
              /openapi.yaml
            </Anchor>
          ),
        })}
      </Text>
      <div ref={place} className="api-reference" />
    </Stack>
  )
}

import { Button, Stack, Text, Title } from '@mantine/core'
import { Component, type ReactNode } from 'react'
import { useLocation } from 'react-router'
import { useT } from '../i18n/language'
import { PageTitle } from './page-title'

// Boundary shows something else instead of what breaks: a part of the app that
// does not load, as after an update of the service, or a fault of ours. React
// offers this to classes only.
export class Boundary extends Component<{ instead: ReactNode; children: ReactNode }, { broken: boolean }> {
  override state = { broken: false }
  static getDerivedStateFromError = () => ({ broken: true })
  override render = () => (this.state.broken ? this.props.instead : this.props.children)
}

// Broken keeps the frame around a page that fails, and renders another page again.
export function Broken({ children }: { children: ReactNode }) {
  return (
    <Boundary key={useLocation().pathname} instead={<Sorry />}>
      {children}
    </Boundary>
  )
}

function Sorry() {
  const t = useT()
  return (
    <Stack align="flex-start" role="alert">
      <PageTitle>{t('common.broken')}</PageTitle>
      <Title>{t('common.broken')}</Title>
      <Text>{t('common.brokenText')}</Text>
      <Button onClick={() => location.reload()}>{t('common.reload')}</Button>
    </Stack>
  )
}

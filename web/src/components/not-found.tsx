import { Anchor, Stack, Text, Title } from '@mantine/core'
import { Link } from 'react-router'
import { useT } from '../i18n/language'
import { PageTitle } from './page-title'

// NotFound is the page of an address that leads nowhere.
export function NotFound() {
  const t = useT()
  return (
    <Stack>
      <PageTitle>{t('common.noPage')}</PageTitle>
      <Title>{t('common.noPage')}</Title>
      <Text>{t('common.noPageText')}</Text>
      <Text>
        <Anchor component={Link} to="/">
          {t('common.firstPage')}
        </Anchor>
      </Text>
    </Stack>
  )
}

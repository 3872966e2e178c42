import { IconBrandDiscordFilled, IconBrandGithubFilled, IconBrandGitlab, IconKey, IconMail, IconWallet } from '@tabler/icons-react'
import { emailProvider, walletProvider } from '../../../auth/providers'

const icons = { github: IconBrandGithubFilled, discord: IconBrandDiscordFilled, gitlab: IconBrandGitlab, [walletProvider]: IconWallet, [emailProvider]: IconMail }

// Google wants its mark in its four colours.
function Google({ size }: { size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 48 48" aria-hidden="true">
      <path fill="#4285F4" d="M45.1 24.5c0-1.6-.1-3.1-.4-4.5H24v8.5h11.8a10 10 0 0 1-4.4 6.6v5.5h7.1c4.2-3.8 6.6-9.5 6.6-16.1z" />
      <path fill="#34A853" d="M24 46c6 0 11-2 14.6-5.4l-7.1-5.5a13.3 13.3 0 0 1-19.8-7H4.3v5.7A22 22 0 0 0 24 46z" />
      <path fill="#FBBC05" d="M11.7 28.1a13.2 13.2 0 0 1 0-8.3v-5.7H4.3a22 22 0 0 0 0 19.7l7.4-5.7z" />
      <path fill="#EA4335" d="M24 10.8c3.2 0 6.1 1.1 8.4 3.3l6.3-6.3A22 22 0 0 0 4.3 14.1l7.4 5.7c1.7-5.2 6.6-9 12.3-9z" />
    </svg>
  )
}

// And Microsoft its four squares.
function Microsoft({ size }: { size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 21 21" aria-hidden="true">
      <path fill="#f25022" d="M0 0h10v10H0z" />
      <path fill="#7fba00" d="M11 0h10v10H11z" />
      <path fill="#00a4ef" d="M0 11h10v10H0z" />
      <path fill="#ffb900" d="M11 11h10v10H11z" />
    </svg>
  )
}

// Mark is the picture of a sign-in method.
export function Mark({ provider, size = 18 }: { provider: string; size?: number }) {
  if (provider === 'google') return <Google size={size} />
  if (provider === 'microsoft') return <Microsoft size={size} />
  const Icon = Object.hasOwn(icons, provider) ? icons[provider as keyof typeof icons] : IconKey
  return <Icon size={size} aria-hidden />
}

output "versions" {
  description = "The versions that run, by add-on."
  value       = { for name, addon in aws_eks_addon.this : name => addon.addon_version }
}

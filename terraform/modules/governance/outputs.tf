output "bucket_name" {
  description = "The bucket with the bundles."
  value       = module.bucket.name
}

output "bucket_arn" {
  description = "Its ARN."
  value       = module.bucket.arn
}

output "digest" {
  description = "The sha256 of the present bundle. It depends on the object: who uses the digest waits for the upload."
  value       = trimsuffix(trimprefix(aws_s3_object.bundle.key, "governance/"), ".json")
}
